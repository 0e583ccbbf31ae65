import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';

const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8');

/** The code blocks of the README are copies of code that runs. */
describe('the README', () => {
  it.each([
    ['a rule', 'const sharedDashboards', '../services/insights/src/departures/insights.rules.ts'],
    ['the test of a rule', 'behavesLikeARule(', '../services/insights/src/departures/insights.rules.spec.ts'],
    ['a subscriber', "NATS_URL = 'nats:", '../examples/subscriber/subscriber.mjs'],
  ])('shows %s unchanged', async (_what, words, path) => {
    const blocks = (await read('../README.md')).matchAll(/```[a-z]+\n(.*?)```/gs);
    const shown = [...blocks].map(([, code]) => code!).filter((code) => code.includes(words));
    expect(shown).toHaveLength(1);
    expect(await read(path)).toContain(shown[0]);
  });
});

/** Code blocks in a list are indented. */
const unindented = (code: string) => code.replaceAll(/^ {3}/gm, '');

describe('the guide for an external service', () => {
  it.each([
    ['the rule', 'export const billingRules', 'billing.rules.ts'],
    ['the process', 'runService(', 'main.ts'],
    ['the test', 'behavesLikeARule(', 'billing.rules.spec.ts'],
  ])('shows %s unchanged', async (_what, words, path) => {
    const blocks = (await read('../examples/billing/README.md')).matchAll(/```[a-z]+\n(.*?) *```/gs);
    const shown = [...blocks].map(([, code]) => unindented(code!)).filter((code) => code.includes(words));
    expect(shown).toHaveLength(1);
    expect(await read(`../examples/billing/src/${path}`)).toContain(shown[0]);
  });

  it('has less than 60 lines', async () => {
    expect((await read('../examples/billing/README.md')).split('\n').length).toBeLessThan(60);
  });
});

/** What the compiler says about files of which some have other texts. */
function faultsIn(texts: ReadonlyMap<string, string>): string[] {
  const root = new URL('..', import.meta.url).pathname;
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const textOf = (path: string) => texts.get(path.slice(root.length));
  const sys = { fileExists: host.fileExists.bind(host), readFile: host.readFile.bind(host) };
  host.fileExists = (path) => textOf(path) !== undefined || sys.fileExists(path);
  host.readFile = (path) => textOf(path) ?? sys.readFile(path);
  const paths = [...texts.keys()].map((path) => join(root, path));
  // Some of the files are in folders that do not exist.
  host.directoryExists = () => true;
  const program = ts.createProgram(paths, { ...options, noEmit: true, noUnusedLocals: false }, host);
  return paths
    .map((path) => program.getSourceFile(path)!)
    .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
    .map(({ file, messageText }) => `${file!.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`);
}

describe('the walk-through for a rule or a resource', () => {
  it('compiles: each block is a new file, or the end of the file that it names', async () => {
    const guide = await read('../docs/adding-data.md');
    const blocks = guide.matchAll(/```ts (\S+)\n(.*?) *```/gs);
    const texts = new Map<string, string>();
    for (const [, path, code] of blocks) {
      const before = texts.get(path!) ?? (await read(`../${path!}`).catch(() => ''));
      texts.set(path!, `${before}\n${unindented(code!)}`);
    }
    const declarations = 'libs/contracts/src/declarations.ts';
    texts.set(declarations, `${await read(`../${declarations}`)}export * from './insights/saved-views.js';\n`);
    const rights = 'libs/contracts/src/rights.ts';
    const end = '} as const satisfies';
    texts.set(rights, (await read(`../${rights}`)).replace(end, `  ${/'saved-views': \{.*/.exec(guide)![0]}\n${end}`));
    expect(texts.size).toBe(8);
    expect(faultsIn(texts)).toEqual([]);
  }, 120_000);
});
