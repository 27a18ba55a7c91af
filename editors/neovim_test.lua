-- Tries neovim.lua in a Neovim without a screen: `make neovim` sources this file. GRAPHRUN
-- names the program. It leaves with an error where something is not as expected.

local function try()
  vim.g.graphrun_path = assert(os.getenv("GRAPHRUN"), "GRAPHRUN is not set")
  local here = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p:h")
  dofile(here .. "/neovim.lua")

  local file = vim.fn.tempname() .. ".graphrun.yaml"
  vim.fn.writefile({
    "graphrun: 1",
    "name: tried",
    "state: {count: integer}",
    "nodes:",
    "  only: {uses: set, with: {value: 1}, writes: {count: output.value}}",
    "edges:",
    "  - {to: only, when: state.coun < 3}",
    "once: true",
  }, file)
  vim.cmd("edit " .. vim.fn.fnameescape(file))

  local seconds = 1000 -- milliseconds
  local found
  vim.wait(30 * seconds, function()
    found = vim.tbl_filter(function(d) return d.source == "graphrun" end, vim.diagnostic.get(0))
    return #found > 0
  end)
  assert(found[1], "no problem is shown")
  assert(found[1].lnum == 6 and found[1].message:find("coun", 1, true), vim.inspect(found[1]))

  local function ask(method, line, text, at)
    local params = vim.lsp.util.make_position_params(0, "utf-16")
    local begin = vim.fn.getline(line + 1):find(text, 1, true)
    params.position = {line = line, character = begin - 1 + at}
    for _, answer in pairs(vim.lsp.buf_request_sync(0, method, params, 30 * seconds) or {}) do
      return assert(answer.result, method .. ": " .. vim.inspect(answer))
    end
    error(method .. " has no answer")
  end

  local labels = vim.tbl_map(function(item) return item.label end, ask("textDocument/completion", 6, "state.", 6).items)
  assert(vim.tbl_contains(labels, ".count") or vim.tbl_contains(labels, "count"), vim.inspect(labels))

  local hover = ask("textDocument/hover", 2, "count", 1).contents.value
  assert(hover:find("integer", 1, true), hover)

  vim.fn.setline(7, "  - {to: only, when: state.count < 3}") -- a change that makes it right
  local gone = vim.wait(30 * seconds, function()
    for _, d in ipairs(vim.diagnostic.get(0)) do
      if d.severity == vim.diagnostic.severity.ERROR then return false end
    end
    return true
  end)
  assert(gone, vim.inspect(vim.diagnostic.get(0)))
  local clients = 0
  for _, c in pairs((vim.lsp.get_clients or vim.lsp.get_active_clients)()) do
    if c.name == "graphrun" then clients = clients + 1 end
  end
  assert(clients == 1, clients .. " servers run")
end

local ok, why = xpcall(try, debug.traceback)
io.stdout:write(ok and "Neovim shows problems, completes and hovers\n" or why .. "\n")
vim.cmd(ok and "qall!" or "cquit")
