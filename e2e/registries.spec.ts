import { readdir, readFile } from 'node:fs/promises';
import { handlerMetadata, type HandlerMetadata } from '#libs/broker';
import { ALL_OPERATIONS } from '#libs/contracts';
import type { Rule } from '#libs/lifecycle';
import { PARTS } from './support/foundation.js';

const services = new URL('../services/', import.meta.url);
const moduleFile = (service: string) => `services/${service}/src/${service}.module.ts`;

interface NestModule {
  module?: object;
  imports?: NestModule[];
  controllers?: { prototype: object }[];
}

/** Controllers of a module and of those that it imports. */
function controllersIn(given: NestModule | object): { prototype: object }[] {
  const { module = given, imports = [], controllers = [] } = given as NestModule;
  const declared = (kind: string) => (Reflect.getMetadata(kind, module) ?? []) as never[];
  return [
    ...[...controllers, ...declared('controllers')],
    ...[...imports, ...declared('imports')].flatMap((one) => controllersIn(one)),
  ];
}

function* handlersOf({ prototype }: { prototype: object }): Generator<HandlerMetadata> {
  for (let at = prototype; at && at !== Object.prototype; at = Object.getPrototypeOf(at) as object)
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(at))) {
      const handler = typeof value === 'function' ? handlerMetadata(value as object) : undefined;
      if (handler) yield handler;
    }
}

/**
 * The calls for which PostgreSQL does not check the account, by service. Before you add one: a call for one account belongs in
 * the scope of that account, and a request of another service names the account in `accountId`.
 */
const ACROSS_ACCOUNTS: Record<string, readonly string[]> = {
  identity: [
    ...['accounts.create', 'auth.login', 'auth.refresh', 'auth.email-change.confirm', 'invitations.accept'],
    'auth.sso.lookup',
    ...['auth.password-reset.request', 'auth.password-reset.confirm', 'certificates.verify', 'scim.check'],
    'auth.passkey.options',
    ...['search', 'get', 'create', 'replace', 'change', 'remove'].flatMap((verb) => [
      `scim.users.${verb}`,
      `scim.groups.${verb}`,
    ]),
    ...[
      'catch-up',
      'raise-versions',
      'services',
      'retire-service',
      'confirm-rules',
      'rotate-signing-key',
      'withdraw-signing-key',
    ].map((question) => `lifecycle.identity.${question}`),
    ...['tokens.authenticate', 'tokens.keys', 'sessions.snapshot', 'directory.snapshot', 'rules.declare.*'].map(
      (question) => `rpc.identity.${question}`,
    ),
    ...['rpc.identity.sessions.open-for-browser', 'rpc.identity.sessions.exchange'],
    'rpc.identity.audit.record-access',
  ],
  contacts: ['append', 'close', 'abort'].map((step) => `rpc.contacts.imports.${step}`),
  telephony: ['lifecycle.telephony.confirm-number'],
  integrations: ['scheduler-links.show'],
  insights: ['public-links.show'],
};
/** What every service answers to identity and the operator. */
const OF_THE_ENGINE = ['proof', 'known-people', 'dead-letters', 'replay'];

/** The rules for which a spec file calls `behavesLikeARule`: by name, or as `for (const [id, …] of [['…', …]])`. */
function suitesIn(text: string): string[] {
  const named = text.matchAll(/behavesLikeARule\(\s*\w+,\s*'([^']+)'/g);
  const loops = text.matchAll(/for \(const \[id\b.*?\] of \[(.*?)\] as const\) {\s*behavesLikeARule\(\w+, id,/gs);
  const looped = [...loops].flatMap(([, list]) => [...list!.matchAll(/\['([^']+)'/g)]);
  return [...named, ...looped].map(([, id]) => id!);
}

describe.each(PARTS)('service $name', ({ name, module, migrations }) => {
  const source = new URL(`${name}/src/`, services);

  it('handles every operation that it declares', () => {
    const handlers = controllersIn(module).flatMap((controller) => [...handlersOf(controller)]);
    const answered = new Set(handlers.map(({ operation }) => operation?.id));
    const missing = ALL_OPERATIONS.filter(
      ({ id, service, custom }) => service === name && !custom && !answered.has(id),
    );
    const advice = `list its controller in \`resources\` of ${moduleFile(name)}`;
    expect(missing.map(({ id }) => `${id} has no handler: ${advice}`)).toEqual([]);
  });

  it('uses rows of several accounts only in calls that are listed', () => {
    const across = controllersIn(module)
      .flatMap((controller) => [...handlersOf(controller)])
      .filter(({ acrossAccounts }) => acrossAccounts !== undefined)
      .map(({ operation, ask }) => operation?.id ?? ask!.subject);
    const engine = OF_THE_ENGINE.map((question) => `lifecycle.${name}.${question}`);
    expect([...new Set(across)].sort()).toEqual([...engine, ...(ACROSS_ACCOUNTS[name] ?? [])].sort());
  });

  it('includes every migration in its folder', async () => {
    const files = (await readdir(new URL('migrations/', source))).filter((file) => /^\d/.test(file));
    const listed = new Set(migrations.map((migration) => `${migration.name}.ts`));
    const missing = files.filter((file) => !listed.has(file));
    expect(files).not.toEqual([]);
    expect(missing.map((file) => `${file} is never applied: list it in \`migrations\` of ${moduleFile(name)}`)).toEqual(
      [],
    );
  });

  it('runs the common tests for each of its rules', async () => {
    const declared = (await import(`../services/${name}/src/departures/${name}.rules.js`)) as Record<string, Rule[]>;
    const rules = declared[`${name}Rules`]!;
    const files = (await readdir(source, { recursive: true })).filter((file) => file.endsWith('.spec.ts'));
    const texts = await Promise.all(files.map((file) => readFile(new URL(file, source), 'utf8')));
    const tested = new Set(texts.flatMap(suitesIn));
    const untested = rules.filter(({ id }) => !tested.has(id));
    const advice = `call \`behavesLikeARule\` in departures/${name}.rules.spec.ts`;
    expect(untested.map(({ id }) => `${id} is not tested: ${advice}`)).toEqual([]);
  });
});
