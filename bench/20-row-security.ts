import { clientOf, TokenIssuer } from '#libs/platform/testing';
import { handlerMetadata } from '#libs/broker';
import { contacts, type Principal } from '#libs/contracts';
import { startService, type RunningService } from '#libs/platform';
import { serviceKeys } from '#libs/test-kit';
import { ContactController } from '../services/contacts/src/contact/contact.controller.js';
import { ContactsConfig } from '../services/contacts/src/contacts.config.js';
import { ContactsModule, migrations } from '../services/contacts/src/contacts.module.js';
import { compareRates, inTurn, type Bench, type Measure, type Side } from './support/measure.js';
import { withNats } from './support/stage.js';

/** Callers at the same time, each in another account than the one before: nearly every call changes a connection's account. */
const CALLERS = 8;
const ACCOUNTS = 50;
const CONTACTS = 2_000;
const ROUNDS = 6;

const { get, list, create } = ContactController.prototype;
const accountOf = (n: number) => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const contactOf = (account: number, n: number) =>
  `00000000-0000-7${account.toString(16).padStart(3, '0')}-8000-${n.toString(16).padStart(12, '0')}`;

const FILL = `
  insert into directory (user_id, account_id, name, status, seq, lifecycle_version, user_created_at)
  select ('00000000-0000-7000-8000-' || lpad(to_hex(a), 12, '0'))::uuid, ('00000000-0000-7000-8000-' || lpad(to_hex(a), 12, '0'))::uuid,
    'Person ' || a, 'active', 1, 0, now() from generate_series(1, $accounts) a;
  insert into contact (id, account_id, external_id, name, phone, assignee, created_at)
  select ('00000000-0000-7' || lpad(to_hex(a), 3, '0') || '-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    ('00000000-0000-7000-8000-' || lpad(to_hex(a), 12, '0'))::uuid, a || '-' || n, 'Contact ' || n, '+49' || a || n,
    ('00000000-0000-7000-8000-' || lpad(to_hex(a), 12, '0'))::uuid, now()
  from generate_series(1, $accounts) a, generate_series(1, $contacts) n`;

interface Scene {
  service: RunningService;
  call: (kind: Kind, n: number) => Promise<unknown>;
}
type Kind = 'get' | 'list' | 'create';

/** Ordinary calls in the scope of their account, and the same calls with the role that sees all accounts. */
export const rowSecurity: Measure = {
  number: 20,
  name: 'row-security',
  run: async (bench) => {
    const fill = FILL.replaceAll('$accounts', String(ACCOUNTS)).replaceAll('$contacts', String(bench.size(CONTACTS)));
    const template = await bench.stage.template('contacts', migrations, [fill]);
    const { url } = await template.copy();
    return withNats(bench.stage, async (nats) => {
      const env = { DATABASE_URL: url, NATS_URL: bench.stage.natsUrl, LOG_LEVEL: 'silent', ...serviceKeys('contacts') };
      const issuer = await TokenIssuer.start(bench.stage.natsUrl);
      const service = await startService({
        name: 'contacts',
        module: ContactsModule,
        config: ContactsConfig,
        env: { ...env, CONTACTS_SECRET: 'a-secret-for-measures-that-is-long-enough' },
      });
      const client = clientOf(nats, 'gateway');
      let principals: Principal[] = [];
      const renewTokens = async () => {
        const users = Array.from({ length: ACCOUNTS }, (_, n) => accountOf(n + 1));
        principals = await Promise.all(
          users.map((id) => issuer.signed({ accountId: id, userId: id, roles: ['agent'], sessionId: id })),
        );
      };
      const call = (kind: Kind, n: number): Promise<unknown> => {
        const principal = principals[n % ACCOUNTS]!;
        const id = contactOf((n % ACCOUNTS) + 1, 1 + (n % bench.size(CONTACTS)));
        if (kind === 'get') return client.call(contacts.get, { principal, params: { id } });
        if (kind === 'list') return client.call(contacts.list, { principal, query: { limit: 50 } });
        return client.call(contacts.create, { principal, body: { name: 'New contact' } });
      };
      const findings = [];
      for (const [kind, what, calls] of [
        ['get', 'Reading a contact', 3_000],
        ['list', 'Lists of 50 contacts', 1_500],
        ['create', 'New contacts', 2_000],
      ] as const) {
        const side = (scoped: boolean) => sideOf(bench, { service, call }, { kind, calls, scoped, renewTokens });
        const { ours, theirs } = await inTurn(bench, ROUNDS, { ours: side(true), theirs: side(false) });
        const words = { what, against: 'the same calls without policies', goal: { atLeast: 0.95 } };
        findings.push(compareRates(words, ours, theirs, 'calls'));
      }
      await service.close();
      await issuer.close();
      return findings;
    });
  },
};

function sideOf(
  bench: Bench,
  { call }: Scene,
  work: { kind: Kind; calls: number; scoped: boolean; renewTokens: () => Promise<void> },
): Side {
  const { kind, scoped, renewTokens } = work;
  const calls = bench.size(work.calls);
  const together = async (count: number) => {
    let next = 0;
    const caller = async () => {
      while (next < count) await call(kind, next++);
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
  };
  return {
    prepare: async () => {
      for (const handler of [get, list, create])
        handlerMetadata(handler)!.acrossAccounts = scoped ? undefined : 'The measure compares with it.';
      await renewTokens();
      // Connections and code are warm on both sides.
      await together(Math.min(200, calls));
    },
    run: async () => {
      await together(calls);
      return calls;
    },
  };
}
