import { describe, expect, it } from '@jest/globals';
import { Linter, type Rule } from 'eslint';

interface Source {
  path: string;
}
type Check = (sources: Source[]) => string[];
type Judge = (sources: Source[], accepted: object[]) => { wrong: string[]; accepted: string[] };

const load = (name: string) => import(new URL(`../scripts/lint/${name}.mjs`, import.meta.url).href);
const { toSources } = (await load('sources')) as { toSources: (texts: Record<string, string>) => Source[] };
const { forbiddenImports } = (await load('borders')) as { forbiddenImports: Check };
const { strayDepartureWriters } = (await load('departure-writers')) as { strayDepartureWriters: Check };
const { ownFoldings } = (await load('letter-case')) as { ownFoldings: Check };
const { needsReason } = (await load('needs-reason')) as { needsReason: Rule.RuleModule };
const { longFiles, crowded } = (await load('sizes')) as { longFiles: Check; crowded: Judge };
const { unusedDoors } = (await load('doors')) as { unusedDoors: Check };

/** The violations for files with these imports. Files that are only imported are empty. */
function wrongWith(imports: Record<string, string>): string[] {
  const texts = Object.fromEntries(Object.entries(imports).map(([path, from]) => [path, `import '${from}';`]));
  const indexes = [...'contracts database lifecycle platform local-servers test-kit'.split(' ')];
  const empty = Object.fromEntries(indexes.map((name) => [`libs/${name}/src/index.ts`, '']));
  const others = ['services/contacts/src/contact.ts', 'libs/platform/src/config.ts', 'libs/lifecycle/testing/index.ts'];
  return forbiddenImports(toSources({ ...empty, ...Object.fromEntries(others.map((path) => [path, ''])), ...texts }));
}

describe('an import is refused', () => {
  it.each([
    [
      'of one service by another',
      'services/messaging/src/a.ts',
      '../../contacts/src/contact.js',
      /Services never import/,
    ],
    [
      'of a service by a library',
      'libs/platform/src/a.ts',
      '../../../services/contacts/src/contact.js',
      /Libraries never/,
    ],
    [
      'past a library’s index',
      'services/messaging/src/a.ts',
      '../../../libs/platform/src/config.js',
      /only entry point of a library/,
    ],
    [
      'of a higher library by a lower one',
      'libs/database/src/a.ts',
      '#libs/lifecycle',
      /contracts < csv < scim < database < /,
    ],
    ['of anything of ours by the contracts', 'libs/contracts/src/a.ts', '#libs/database', /only libraries before them/],
    ['of a test server by the product', 'services/messaging/src/a.ts', '#libs/test-kit', /Only tests may import it/],
    [
      'of test helpers by the product',
      'services/messaging/src/a.ts',
      '#libs/lifecycle/testing',
      /Only tests may import it/,
    ],
    ['of ours by an example', 'examples/billing/src/a.ts', '#libs/contracts', /published package/],
    ['of a library by local-servers', 'libs/local-servers/src/a.ts', '#libs/test-kit', /local-servers < test-kit/],
  ])('%s', (_, path, from, reason) => {
    expect(wrongWith({ [path]: from })).toEqual([expect.stringMatching(reason)]);
  });

  it('of a higher folder of the lifecycle library by a lower one, also through a file outside the folders', () => {
    const [rule, run, between] = ['declare/rule', 'run/batch', 'between'].map(
      (name) => `libs/lifecycle/src/${name}.ts`,
    );
    expect(wrongWith({ [rule!]: '../run/batch.js', [run!]: '#libs/contracts' })).toEqual([
      expect.stringContaining('declare < sql < '),
    ]);
    expect(wrongWith({ [rule!]: '../between.js', [between!]: './run/batch.js', [run!]: '#libs/contracts' })).toEqual([
      expect.stringContaining(`${rule} imports ${between}. Folders`),
    ]);
  });

  it('in a cycle of any length, also of type imports', () => {
    const texts = {
      'e2e/a.ts': "import type { B } from './b.js';",
      'e2e/b.ts': "export * from './c.js';\nexport * from './d.js';",
      'e2e/c.ts': "export type { A } from './a.js';",
      'e2e/d.ts': "import './e.js';",
      'e2e/e.ts': '',
    };
    expect(forbiddenImports(toSources(texts))).toEqual([
      'e2e/a.ts → e2e/b.ts → e2e/c.ts → e2e/a.ts is a cycle. Move what both need into a separate file.',
    ]);
  });
});

it('a new library or folder needs a place in the order', () => {
  expect(wrongWith({ 'libs/mail/src/index.ts': '#libs/contracts', 'libs/lifecycle/src/new/a.ts': '../b.js' })).toEqual([
    expect.stringContaining('libs/mail/src/index.ts imports libs/contracts/src/index.ts'),
    'libs/mail has no place in the order. Give it one in scripts/lint/borders.mjs.',
    'libs/lifecycle/src/new has no place in the order. Give it one in scripts/lint/borders.mjs.',
  ]);
});

it('allowed imports pass', () => {
  expect(
    wrongWith({
      'services/messaging/src/a.ts': '#libs/platform',
      'services/messaging/src/a.spec.ts': '#libs/test-kit',
      'services/messaging/src/testing/a.ts': '#libs/lifecycle/testing',
      'libs/lifecycle/src/run/a.ts': '#libs/database',
      'libs/lifecycle/src/a.ts': './run/a.js',
      'libs/lifecycle/src/later/a.ts': '../a.js',
      'libs/test-kit/src/a.ts': '#libs/local-servers',
      'libs/database/src/a.spec.ts': '#libs/test-kit',
      'examples/billing/src/a.ts': './b.js',
      'examples/billing/src/b.ts': '@leaver/service-kit/lifecycle',
    }),
  ).toEqual([]);
});

describe('sizes', () => {
  it('a file of more than 300 lines is refused', () => {
    const sources = toSources({ 'e2e/fits.ts': '\n'.repeat(300), 'e2e/long.ts': '\n'.repeat(301) });
    expect(longFiles(sources)).toEqual([expect.stringContaining('e2e/long.ts has 301 lines')]);
  });

  describe('of classes and folders', () => {
    const texts: Record<string, string> = {
      'e2e/large.ts': `class Large { constructor(${'abcdefgh'.split('').join()}) {} }`,
    };
    for (let n = 0; n < 16; n++) texts[`e2e/specs/${n}.spec.ts`] = texts[`e2e/folder/${n}.ts`] = '';
    const judge = (...accepted: object[]) => crowded(toSources(texts), accepted);

    it('many constructor parameters and many files in a folder are refused; specs do not count', () => {
      expect(judge()).toEqual({
        wrong: [
          expect.stringContaining('Large (e2e/large.ts) takes 8 constructor parameters. Split it'),
          expect.stringContaining('e2e/folder holds 16 sources. Divide it'),
        ],
        accepted: [],
      });
    });

    it('they are accepted with a reason, as long as it is needed', () => {
      const small = { class: 'Small', why: 'It was large.' };
      expect(judge({ class: 'Large', why: 'Eight it is.' }, { folder: 'e2e/folder', why: 'A list.' }, small)).toEqual({
        wrong: ['Small is no longer large. Delete its entry in scripts/lint/accepted.mjs.'],
        accepted: [
          'Large (e2e/large.ts) takes 8 constructor parameters: Eight it is.',
          'e2e/folder holds 16 sources: A list.',
        ],
      });
    });
  });
});

describe('a module of identity', () => {
  const identity = 'services/identity/src/';
  const moduleWith = (exported: string) => `
    import { Rows } from './rows.js';
    import { Events } from './writing/events.js';
    @Module({ providers: [Rows, Events], exports: [${exported}] })
    export class UserModule {}`;
  const sources = (exported: string, imports: Record<string, string>) =>
    toSources(
      Object.fromEntries(
        Object.entries({
          'user/user.module.ts': moduleWith(exported),
          'user/rows.ts': '',
          'user/writing/events.ts': "import '../rows.js';",
          'user/user.entity.ts': '',
          'user/sole-owner.ts': '',
          'common/seats.ts': '',
          ...imports,
        }).map(([path, text]) => [identity + path, text]),
      ),
    );
  const closed = 'It is internal to its module';

  it('is closed but for the providers that it exports, and its own file', () => {
    const from = (path: string) => forbiddenImports(sources('Rows', { 'team/team.ts': `import '${path}';` }));
    expect(from('../user/writing/events.js')).toEqual([
      expect.stringContaining(`${identity}team/team.ts imports ${identity}user/writing/events.ts. ${closed}`),
    ]);
    expect(from('../user/rows.js')).toEqual([]);
    expect(from('../user/user.module.js')).toEqual([]);
    expect(from('../common/seats.js')).toEqual([]);
  });

  it('shows others what is listed as public, some of it to some files only', () => {
    expect(forbiddenImports(sources('Rows', { 'team/team.ts': "import '../user/sole-owner.js';" }))).toEqual([]);
    const entity = "import './user/user.entity.js';";
    expect(forbiddenImports(sources('Rows', { 'identity.module.ts': entity }))).toEqual([]);
    expect(forbiddenImports(sources('Rows', { 'other.ts': entity }))).toEqual([expect.stringContaining(closed)]);
  });

  it('is open to tests', () => {
    expect(forbiddenImports(sources('Rows', { 'team/a.spec.ts': "import '../user/writing/events.js';" }))).toEqual([]);
  });

  it('exports nothing that no other module uses', () => {
    const unused = unusedDoors(sources('Rows, Events', { 'team/team.ts': "import '../user/rows.js';" }));
    expect(unused).toContain(
      `No other module uses ${identity}user/writing/events.ts. Take it out of the exports of its module.`,
    );
    expect(unused.join()).not.toContain('rows.ts');
  });
});

it('SQL that writes the tables of departures is refused outside of their store', () => {
  const update = "sql`update departure set status = 'failed'`";
  const sources = toSources({
    'services/identity/src/departures/store/a.ts': update,
    'services/identity/src/departures/decide/a.ts': update,
    'services/identity/src/departures/decide/a.spec.ts': update,
    'services/identity/src/departures/decide/b.ts': 'sql`select 1 from departure for update`',
  });
  expect(strayDepartureWriters(sources)).toEqual([expect.stringContaining('decide/a.ts writes the table departure')]);
});

it('letter case that is folded in any other way than by the one function is refused', () => {
  const sources = toSources({
    'services/identity/src/user/a.ts': 'sql`select from users where lower(email) = ${email}`',
    'services/identity/src/user/b.ts': 'sql`select from users where email ilike ${email}`',
    'services/identity/src/user/c.ts': 'email.toLowerCase()',
    'services/identity/src/user/d.ts': 'sql`select from users where fold_case(email) = ${foldCase(email)}`; // lower (',
    'services/identity/src/user/e.spec.ts': 'email.toLowerCase()',
    'services/identity/src/migrations/0001.ts': '`create index on users (lower(email))`',
  });
  expect(ownFoldings(sources)).toEqual(
    ['a', 'b', 'c'].map((name) => expect.stringContaining(`user/${name}.ts changes letter case`)),
  );
});

describe('what needs a reason', () => {
  const complaints = (code: string) => {
    const rule = ['error', { selector: 'CallExpression[callee.property.name="catch"]', message: 'why?' }] as const;
    const plugins = { leaver: { rules: { 'needs-reason': needsReason } } };
    return new Linter().verify(code, { plugins, rules: { 'leaver/needs-reason': [...rule] } }).map(({ line }) => line);
  };

  it('is reported without a comment', () => {
    expect(complaints('// About something else.\n\nawait send().catch(ignore);')).toEqual([3]);
    expect(complaints('await send()\n  .then(log)\n  .catch(ignore);')).toEqual([1]);
  });

  it('passes with a comment before it, before its statement, or beside it', () => {
    for (const code of [
      '// It comes again.\nawait send().catch(ignore);',
      'await send().catch(ignore); // It comes again.',
      '/** It comes again. */\nconst sending = all.map((one) =>\n  send(one).catch(ignore),\n);',
      'all.map((one) =>\n  // It comes again.\n  send(one).catch(ignore),\n);',
    ])
      expect([code, complaints(code)]).toEqual([code, []]);
  });
});
