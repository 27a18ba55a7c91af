// A session with the server, through the library that VS Code itself speaks the protocol with.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {test} from 'node:test';
import {createRequire} from 'node:module';

const require = createRequire(import.meta.url);
const rpc = require('vscode-languageserver-protocol/node');

const graphrun = process.env.GRAPHRUN;

const text = `graphrun: 1
name: session
state: {todos: list(string), done: boolean}
nodes:
  a: {uses: set, with: {value: "😀"}, writes: {done: output.value != ""}}
edges:
  - {to: a, when: len(state.todo) == 0}
stop: state.done
`;

test('the extension is one file without what VS Code has', () => {
	const bundle = require('node:fs').readFileSync(new URL('../dist/extension.js', import.meta.url), 'utf8');
	assert.match(bundle, /require\("vscode"\)/);
	assert.doesNotMatch(bundle, /require\("vscode-languageclient/);
});

test('problems, completion, hover and rename', {skip: graphrun ? false : 'GRAPHRUN names no program'}, async t => {
	const dir = mkdtempSync(join(tmpdir(), 'graphrun-'));
	t.after(() => rmSync(dir, {recursive: true}));
	const file = join(dir, 'session.graphrun.yaml');
	writeFileSync(file, text);
	const uri = pathToFileURL(file).href;

	const server = spawn(graphrun, ['lsp', '--stdio'], {stdio: ['pipe', 'pipe', 'inherit']});
	const exited = new Promise(resolve => server.on('exit', resolve));
	const c = rpc.createProtocolConnection(new rpc.StreamMessageReader(server.stdout), new rpc.StreamMessageWriter(server.stdin));
	const published = [];
	let heard = () => {};
	c.onNotification(rpc.PublishDiagnosticsNotification.type, p => { published.push(p); heard(); });
	const problems = async () => {
		while (published.length === 0) await new Promise(resolve => { heard = resolve; });
		return published.shift();
	};
	c.listen();

	const {capabilities} = await c.sendRequest(rpc.InitializeRequest.type, {processId: process.pid, rootUri: null, capabilities: {
		textDocument: {completion: {completionItem: {snippetSupport: true}}, documentSymbol: {hierarchicalDocumentSymbolSupport: true}},
	}});
	assert.equal(capabilities.textDocumentSync.change, rpc.TextDocumentSyncKind.Incremental);
	await c.sendNotification(rpc.InitializedNotification.type, {});
	await c.sendNotification(rpc.DidOpenTextDocumentNotification.type, {textDocument: {uri, languageId: 'yaml', version: 1, text}});
	const first = await problems();
	assert.deepEqual(first.diagnostics.map(d => [d.code, d.range.start.line, d.range.start.character]), [['unknown-property', 6, 28]]);

	const at = {textDocument: {uri}, position: {line: 6, character: 28}};
	const {items} = await c.sendRequest(rpc.CompletionRequest.type, at);
	assert.deepEqual(items.map(i => [i.label, i.detail, i.kind]), [['todos', 'list(string)', rpc.CompletionItemKind.Property], ['done', 'boolean', rpc.CompletionItemKind.Property]]);

	await c.sendNotification(rpc.DidChangeTextDocumentNotification.type, {
		textDocument: {uri, version: 2},
		contentChanges: [{range: items[0].textEdit.range, text: items[0].textEdit.newText}],
	});
	assert.deepEqual((await problems()).diagnostics, []);

	const hover = await c.sendRequest(rpc.HoverRequest.type, at);
	assert.match(hover.contents.value, /^state key `todos`: `list\(string\)`/);
	const edit = await c.sendRequest(rpc.RenameRequest.type, {...at, newName: 'tasks'});
	assert.deepEqual(edit.changes[uri].map(e => [e.range.start.line, e.range.start.character, e.newText]), [[2, 8, 'tasks'], [6, 28, 'tasks']]);
	const symbols = await c.sendRequest(rpc.DocumentSymbolRequest.type, {textDocument: {uri}});
	assert.deepEqual(symbols.map(s => s.name), ['state', 'nodes', 'edges']);

	await c.sendRequest(rpc.ShutdownRequest.type);
	await c.sendNotification(rpc.ExitNotification.type);
	assert.equal(await exited, 0);
});
