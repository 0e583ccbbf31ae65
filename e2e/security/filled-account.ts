import { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { randomUUID } from 'node:crypto';
import { eventually } from '#libs/test-kit';
import { HttpClient } from '../../cli/http-client.mjs';
import { DEMO_PASSWORD, openAccount, type DemoAccount } from '../../scripts/demo/account.mjs';
import { demoAccounts } from '../../scripts/demo/accounts.mjs';
import { over, type Departure } from '../support/departures.js';
import { oneOfEach } from '../support/one-of-each.js';
import type { Api, Json } from '../support/api.js';
import { USER } from '../support/scim-api.js';
import type { System } from '../support/system.js';
import { ask } from './ask.js';
import type { Route, Routes } from './routes.js';

type Things = ReadonlyMap<string, string>;
const inOwnInbox = ({ inboxId }: Json, things: Things) => inboxId === things.get('/v1/inboxes');
const isPrivate = ({ visibility }: Json) => visibility === 'private';

/** The fields that may name the user whose record it is. */
const OWNERS = ['ownerId', 'userId', 'assigneeId', 'operatorId', 'createdById', 'author', 'agentId'];

/** Selects the record to use from collections whose records differ. */
const TRIED: Record<string, (item: Json, things: Things) => boolean> = {
  '/v1/conversations': inOwnInbox,
  '/v1/messages': inOwnInbox,
  '/v1/scheduled-messages': inOwnInbox,
  '/v1/filters': ({ visibility }) => visibility === 'public',
  '/v1/dashboards': ({ shared }) => shared === false,
  '/v1/email-templates': isPrivate,
  '/v1/emails': isPrivate,
  '/v1/apps': ({ shared }) => shared === false,
  '/v1/calls': ({ direction }) => direction === 'outbound',
  '/v1/me/api-tokens': ({ name }) => name === 'Nightly export',
  '/v1/users/{id}/api-tokens': ({ name }) => name === 'Spreadsheet add-in',
  '/v1/storage-connections': ({ provider }) => provider === 'google-drive',
  '/v1/document-templates': ({ grantedUserIds }) => (grantedUserIds as string[]).length > 0,
};

/** An account with records of every kind, and an id for each collection. */
export class FilledAccount {
  /**
   * The id of one record per collection, by the collection's path, such as `/v1/segments`. `colleague` is the admin to whom
   * the leaver has granted access.
   */
  readonly things = new Map<string, string>();
  /** The responses of all its lists, as text. */
  readonly shown: string[] = [];
  readonly owner: Api;

  private constructor(
    private readonly system: System,
    private readonly routes: Routes,
    readonly people: DemoAccount,
    readonly password: string,
    readonly domain: string,
  ) {
    this.owner = system.api(people.owner.api.token);
  }

  static async open(system: System, routes: Routes, at: 0 | 1): Promise<FilledAccount> {
    const spec = demoAccounts[at]!;
    const people = await openAccount(new HttpClient(system.url), spec);
    const account = new FilledAccount(system, routes, people, DEMO_PASSWORD, spec.domain);
    await account.readLists();
    await oneOfEach(routes, system.api(account.people.leaver.api.token));
    await account.makeTheRest();
    await account.readLists();
    return account;
  }

  /** The user who owns most records. */
  get leaver(): { id: string; token: string } {
    const { user, api } = this.people.leaver;
    return { id: user.id, token: api.token };
  }

  /** The path with this account's ids as parameters; null if the account has no record for one of them. */
  addressOf({ path }: Pick<Route, 'path'>): string | null {
    const steps = path.split('/');
    const named = steps.map((step, at) =>
      step.startsWith('{') ? this.things.get(steps.slice(0, at).join('/')) : step,
    );
    return named.includes(undefined) ? null : named.join('/');
  }

  /** Creates records that the demo data lacks, and sets parameters that are not ids. */
  private async makeTheRest(): Promise<void> {
    const { owner, things, leaver } = this;
    const [tomas, , , aisha] = this.people.colleagues.map(({ user }) => user.id);
    await owner.put(`/v1/live-chat-operators/${leaver.id}`, { available: true });
    await owner.put(`/v1/users/${leaver.id}/departure-draft`, { transition: 'deactivated' });
    const server = { kind: 'sftp', host: `files.${this.domain}`, username: 'leaver', password: this.password };
    await owner.post('/v1/import-sources', { ...server, active: false });
    await owner.post(`/v1/automations/${things.get('/v1/automations')}/runs`, { userId: tomas });
    await owner.post(`/v1/assignment-rules/${things.get('/v1/assignment-rules')}/assignments`);
    await over(owner, await owner.post<Departure>(`/v1/users/${aisha}/deactivate`));
    const users = [{ userId: aisha! }];
    await this.finish(
      '/v1/departures/bulk',
      await owner.post('/v1/departures/bulk', { transition: 'deactivated', users }),
    );
    await this.finish('/v1/exports', await owner.post(`/v1/users/${leaver.id}/export`));
    await this.finish('/v1/departures/verify', await owner.post('/v1/departures/verify'));
    for (const path of ['/v1/users', '/v1/live-chat-operators', '/scim/v2/Users']) things.set(path, leaver.id);
    things.set('/v1/teams/{id}/members', leaver.id);
    things.set('colleague', tomas!);
    things.set('/v1/account', this.people.account.id);
    things.set('/v1/auth/sso', this.people.account.id);
    things.set('/v1/me/passkeys', await this.addPasskey());
    const [directory] = await owner.all<{ id: string }>('/v1/account/scim-tokens');
    things.set('/v1/account/scim-tokens', directory!.id);
    things.set('/scim/v2/Groups', things.get('/v1/teams')!);
    const [{ slug }] = (await owner.all<{ slug: string }>('/v1/scheduler-links')) as [{ slug: string }];
    const [{ url }] = (await owner.all<{ url: string }>('/v1/public-links')) as [{ url: string }];
    things.set('/scim/v2/Schemas', USER);
    things.set('/scim/v2/ResourceTypes', 'User');
    things.set('/m', slug);
    things.set('/p', url.split('/').at(-1)!);
  }

  /** The leaver's. It signs nobody in: a real one needs a browser, and has its tests in identity. */
  private async addPasskey(): Promise<string> {
    const id = randomUUID();
    const identity = this.system.services.get('identity')!.app.get(EntityManager, { strict: false });
    await sql`
      insert into passkey (id, user_id, credential_id, public_key, counter, transports, backed_up, name, created_at)
      values (${id}, ${this.leaver.id}, ${id}, '', 0, '{}', false, 'Phone', now())`.execute(
      identity.fork().getKysely(),
    );
    return id;
  }

  private async finish(path: string, { id }: Json): Promise<void> {
    await eventually(async () => expect((await this.owner.get(`${path}/${id as string}`)).status).toBe('completed'));
    this.things.set(path, id as string);
  }

  /** Reads all lists, then lists below records. */
  private async readLists(): Promise<void> {
    for (const depth of [0, 1])
      for (const { method, path, params, takes } of this.routes.all) {
        if (
          method !== 'GET' ||
          takes !== 'user' ||
          params.length !== depth ||
          /}$|\/(events|export|download)$/.test(path)
        )
          continue;
        const address = this.addressOf({ path });
        if (address) await this.readList(path, address);
      }
  }

  private async readList(path: string, address: string): Promise<void> {
    const { text } = await ask(this.system.url, { method: 'GET', path: address, token: this.leaver.token });
    this.shown.push(text);
    const { items } = JSON.parse(text) as { items?: Json[] };
    const mine = (item: Json) =>
      OWNERS.some((name) => [item[name], (item[name] as Json | null)?.id].includes(this.leaver.id));
    const tried = items?.find((item) => (TRIED[path] ?? mine)(item, this.things)) ?? items?.[0];
    if (typeof tried?.id === 'string' && !this.things.has(path)) this.things.set(path, tried.id);
  }
}
