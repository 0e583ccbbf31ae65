import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Broker from '#libs/broker';
import type * as TestKit from '#libs/test-kit';
import type * as CastModule from '../../support/cast.js';
import type * as DeparturesModule from '../../support/departures.js';
import type * as FoundationModule from '../../support/foundation.js';
import type * as ProgramModule from '../../support/program.js';
import type * as ScimModule from '../../support/scim-api.js';
import type * as SystemModule from '../../support/system.js';

interface Person {
  user: { id: string };
  email: string;
}

/** What `openAccount` of the demo data returns. */
export interface DemoAccount {
  owner: Person;
  leaver: Person;
  colleagues: Person[];
}

export interface DemoSpec {
  preset: string;
}

interface ServersModule {
  /** @returns how to stop them */
  startRunServers(cacheDir: string): Promise<() => Promise<void>>;
}

interface DemoModule {
  DEMO_PASSWORD: string;
  openAccount(api: unknown, spec: DemoSpec): Promise<DemoAccount>;
}

/**
 * What the recorder uses of the version that it records, typed as in this checkout. If that version keeps something in
 * another place, adapt this file.
 */
export async function openCheckout(folder: string) {
  const load = async <T>(path: string) => (await import(pathToFileURL(join(folder, path)).href)) as T;
  const library = (file: string) => {
    const found = readdirSync(join(folder, 'libs')).map((name) => join('libs', name, 'src', file));
    return found.find((path) => existsSync(join(folder, path)))!;
  };
  const { startRunServers } = await load<ServersModule>(library('run-servers.ts'));
  const { eventually } = await load<typeof TestKit>(library('eventually.ts'));
  const { connectNats } = await load<typeof Broker>('libs/broker/src/index.ts');
  const { System } = await load<typeof SystemModule>('e2e/system.ts');
  const { SECRETS, PARTS } = await load<typeof FoundationModule>('e2e/foundation.ts');
  const { signIn } = await load<typeof CastModule>('e2e/cast.ts');
  const { over, linesOf } = await load<typeof DeparturesModule>('e2e/departures.ts');
  const { ScimApi } = await load<typeof ScimModule>('e2e/scim-api.ts');
  const { leaver } = await load<typeof ProgramModule>('e2e/program.ts');
  const { demoAccounts } = await load<{ demoAccounts: DemoSpec[] }>('scripts/lib/demo-accounts.mjs');
  const { openAccount, DEMO_PASSWORD } = await load<DemoModule>('scripts/lib/demo-account.mjs');
  const { Api: DemoApi } = await load<{ Api: new (url: string) => unknown }>('scripts/lib/demo-api.mjs');
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  return {
    ...{ version, startRunServers, eventually, connectNats, System, SECRETS, services: PARTS.map(({ name }) => name) },
    ...{ signIn, over, linesOf, ScimApi, leaver, demoAccounts, DEMO_PASSWORD },
    /** The broker's user that may do everything with streams: `identity-streams` in versions with accounts of NATS. */
    streamsUser: 'identity',
    openAccount: (url: string, spec: DemoSpec) => openAccount(new DemoApi(url), spec),
  };
}

export type Checkout = Awaited<ReturnType<typeof openCheckout>>;
