import { compareMilliseconds, median, type Finding, type Measure } from './support/measure.js';
import { ACCOUNT, departureOf, personSql } from './support/people.js';
import { withNats } from './support/stage.js';
import { emptyStreams, Participant, policyOf } from './support/participant.js';
import { contacts } from './scenes/contacts.js';

const USERS = 200;
const TIMES = 100;
const GROWTH = [1, 10, 100];
const PER_ACCOUNT = 100;

/** Sequential departures while the number of accounts, users and rows in the service grows. */
export const growth: Measure = {
  number: 19,
  name: 'growth',
  run: async ({ stage, size, say }) =>
    withNats(stage, async (nats) => {
      await emptyStreams(nats);
      const costs: number[] = [];
      for (const factor of GROWTH) {
        const users = size(USERS) * factor;
        const { parts, rows, policy } = contacts;
        // Each account has a hundred users, one of them the first admin.
        const fill = [accountsOf(users), ...rows(users), ...['contact', 'record', 'segment', 'filter'].map(moveApart)];
        const template = await stage.template(parts.name, parts.migrations, fill);
        const copy = await template.copy();
        const participant = await Participant.open(parts, copy.url, nats);
        const rules = policyOf(participant, 'crm', policy);
        const took: number[] = [];
        const step = Math.max(2, Math.floor(users / TIMES));
        for (let n = 1; n <= users && took.length < TIMES; n += step) {
          // The first user of each account stays as the successor.
          const leaver = n % PER_ACCOUNT === 0 ? n + 1 : n;
          const event = departureOf(leaver, 'deleted', rules, { account: accountId(Math.floor(leaver / PER_ACCOUNT)) });
          const begun = performance.now();
          await participant.processor.apply([event]);
          took.push(performance.now() - begun);
        }
        costs.push(median(took));
        say(`${users} users: ${median(took).toFixed(1)} ms`);
        await participant.close();
        await copy.drop();
      }
      return costs.slice(1).map((cost, index): Finding => {
        const words = {
          what: `Departure with ${GROWTH[index + 1]} times as many accounts, users and rows`,
          against: 'the original size',
        };
        return compareMilliseconds({ ...words, goal: { atMost: 1.25 } }, cost, costs[0]!);
      });
    }),
};

const accountId = (n: number): string => ACCOUNT.slice(0, -12) + (n + 1).toString(16).padStart(12, '0');
const accountSql = (n: string): string => `('${ACCOUNT.slice(0, -12)}' || lpad(to_hex(${n} + 1), 12, '0'))::uuid`;

const accountsOf = (users: number): string => `
  insert into directory (user_id, account_id, name, status, seq, lifecycle_version, is_manager, user_created_at)
  select ${personSql('n')}, ${accountSql(`n / ${PER_ACCOUNT}`)}, 'Person ' || n, 'active', 1, 1, n % ${PER_ACCOUNT} = 0, now()
  from generate_series(0, ${users + 1}) n`;

const moveApart = (table: string): string => `
  update ${table} set account_id = d.account_id from directory d where d.user_id = ${table}.${table === 'contact' ? 'assignee' : 'owner_id'}`;
