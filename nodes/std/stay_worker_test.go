//go:build unix

package std

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
)

// stayTask is a task as a program that stays reads it.
type stayTask struct {
	Key   string          `json:"key"`
	Input json.RawMessage `json:"input"`
	Env   map[string]any  `json:"env"`
}

// staying is a program that stays: the input of a task is {"do": WHAT, "with": ANY}.
func staying(arg string) {
	if arg == "dies" {
		fmt.Fprintln(os.Stderr, "no licence")
		os.Exit(4)
	}
	if arg == "stubborn" {
		signal.Ignore(syscall.SIGTERM)
		defer forever()
	}
	var mu sync.Mutex
	say := func(line string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(line)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Buffer(nil, 64<<20); lines.Scan(); {
		line := lines.Text()
		var t stayTask
		if err := json.Unmarshal([]byte(line), &t); err != nil {
			panic(err)
		}
		go stayWork(t, line, say)
	}
}

func stayWork(t stayTask, line string, say func(string)) {
	var in struct {
		Do   string `json:"do"`
		With string `json:"with"`
	}
	_ = json.Unmarshal(t.Input, &in)
	key, _ := json.Marshal(t.Key)
	output := func(v any) {
		text, _ := json.Marshal(v)
		say(fmt.Sprintf(`{"key":%s,"output":%s}`, key, text))
	}
	switch in.Do {
	case "pid":
		output(os.Getpid())
	case "env":
		output(os.Environ())
	case "whole":
		say(fmt.Sprintf(`{"key":%s,"output":%s}`, key, line))
	case "echo":
		output(in.With)
	case "say": // this line, with KEY filled in
		say(strings.ReplaceAll(in.With, "KEY", string(key)))
	case "once": // no answer, the first time
		if f, err := os.OpenFile(in.With, os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			f.Close()
			say("rubbish")
		}
		output(os.Getpid())
	case "large":
		output(strings.Repeat("x", 600_000))
	case "endless":
		for {
			fmt.Print(strings.Repeat("x", 1<<16))
		}
	case "hang": // for ever, and says that it does
		tell(in.With)
		forever()
	case "both": // says that it is there, and then waits until somebody knows
		up, release, _ := strings.Cut(in.With, " ")
		tell(up)
		tell(release)
		output(os.Getpid())
	case "until": // somebody opens the FIFO for reading
		tell(in.With)
		output(os.Getpid())
	case "exit":
		fmt.Fprintln(os.Stderr, "out of luck")
		os.Exit(7)
	case "leave":
		os.Exit(0)
	case "mute":
		os.Stdout.Close()
	case "stderr":
		fmt.Fprintln(os.Stderr, in.With)
		say(fmt.Sprintf(`{"key":%s,"log":%q}`, key, "logged: "+in.With))
		output(nil)
	case "grandchild":
		startGrandchild("stubborn "+in.With, true)
		forever()
	}
}
