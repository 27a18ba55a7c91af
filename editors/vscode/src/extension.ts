import {commands, ExtensionContext, window, workspace} from 'vscode';
import {LanguageClient, LanguageClientOptions, ServerOptions} from 'vscode-languageclient/node';

let client: LanguageClient | undefined;

// The files that the server knows. Other YAML is none of its business.
const files = ['**/*.graphrun.yaml', '**/*.test.yaml'];

async function start(): Promise<void> {
	const settings = workspace.getConfiguration('graphrun');
	const command = settings.get<string>('path') || 'graphrun';
	const store = settings.get<string>('store');
	const server: ServerOptions = {command, args: ['lsp', ...(store ? ['--db', store] : [])]};
	const options: LanguageClientOptions = {
		documentSelector: files.map(pattern => ({language: 'yaml', pattern})),
		// A graph may run another one: its problems change with that file.
		synchronize: {fileEvents: files.map(pattern => workspace.createFileSystemWatcher(pattern))},
	};
	client = new LanguageClient('graphrun', 'graphrun', server, options);
	try {
		await client.start();
	} catch (err) {
		client = undefined;
		void window.showErrorMessage(`graphrun: cannot start ${command}: ${err instanceof Error ? err.message : String(err)}. Set graphrun.path to the program.`);
	}
}

async function stop(): Promise<void> {
	const old = client;
	client = undefined;
	await old?.stop();
}

export async function activate(context: ExtensionContext): Promise<void> {
	const restart = async () => {
		await stop();
		await start();
	};
	context.subscriptions.push(
		commands.registerCommand('graphrun.restart', restart),
		workspace.onDidChangeConfiguration(e => e.affectsConfiguration('graphrun') ? restart() : undefined),
	);
	await start();
}

export const deactivate = stop;
