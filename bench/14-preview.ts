import { RECORD_TYPES, type PreviewRequest } from '#libs/contracts';
import { preview } from '#libs/lifecycle';
import { withClient } from '#libs/local-servers';
import pg from 'pg';
import { compareMilliseconds, median, type Finding, type Measure } from './support/measure.js';
import { clock, Participant, policyOf } from './support/participant.js';
import { ACCOUNT, directoryOf, personId, personSql } from './support/people.js';
import { withNats, withoutIndexes } from './support/stage.js';
import { contacts } from './scenes/contacts.js';

const TIMES = 40;
const PEOPLE = 1_000;

/** Previews while other users have a million contacts, and ten million. */
export const previews: Measure = {
  number: 14,
  name: 'preview',
  run: async ({ stage, size, say }) => {
    const findings: Finding[] = [];
    const steps = [size(1_000_000), size(10_000_000)];
    const template = await stage.template(contacts.parts.name, contacts.parts.migrations, [
      directoryOf(PEOPLE),
      ...contacts.rows(PEOPLE),
    ]);
    const copy = await template.copy();
    await withNats(stage, async (nats) => {
      const participant = await Participant.open(contacts.parts, copy.url, nats);
      const rules = policyOf(participant, 'crm', contacts.policy);
      const client = new pg.Client(copy.url);
      await client.connect();
      let there = 0;
      const ours: number[] = [];
      for (const rows of steps) {
        await withClient(copy.adminUrl, async (admin) => {
          await withoutIndexes(admin, () => admin.query(othersContacts(there, rows)));
          await admin.query('vacuum analyze contact');
        });
        there = rows;
        const times = { ours: [] as number[], theirs: [] as number[] };
        for (let n = 1; n <= TIMES; n++) {
          const db = participant.em().getKysely();
          const about = { accountId: ACCOUNT, userId: personId(n), activeSince: 1, wasManager: false, rules };
          const request: PreviewRequest = { ...about, steps: ['deactivated'] };
          times.ours.push(await took(() => preview(db, participant.rules, request, clock.now())));
          times.theirs.push(await took(() => countByHand(client, personId(n))));
        }
        say(`${rows} rows: ${median(times.ours).toFixed(1)} ms, by hand ${median(times.theirs).toFixed(1)} ms`);
        ours.push(median(times.ours));
        const what = `Preview, other users have ${rows.toLocaleString('en')} rows`;
        const words = { what, against: 'hand-written counts', goal: { atMost: 1.5 } };
        findings.push(compareMilliseconds(words, median(times.ours), median(times.theirs)));
      }
      const words = {
        what: 'Preview, ten times the rows of other users',
        against: 'a tenth of them',
        goal: { atMost: 1.2 },
      };
      findings.push(compareMilliseconds(words, ours[1]!, ours[0]!));
      await client.end();
      await participant.close();
    });
    await copy.drop();
    return findings;
  },
};

/** Contacts of users who are not previewed. */
const othersContacts = (from: number, to: number) => `
  insert into contact (id, account_id, name, assignee, created_at)
  select uuidv7(), '${ACCOUNT}', 'Contact', ${personSql(`${PEOPLE} + 1 + n % 100000`)}, now() from generate_series(${from} + 1, ${to}) n`;

const COUNTS = [
  'select count(*) from contact where assignee = $1',
  ...RECORD_TYPES.map((type) => `select count(*) from record where owner_id = $1 and type = '${type}'`),
  'select count(*) from segment where owner_id = $1',
  `select count(*) from filter where owner_id = $1 and visibility = 'public'`,
  `select count(*) from filter where owner_id = $1 and visibility = 'private'`,
  `select count(*) from filter_condition c where user_id = $1 and not exists (
    select from filter f where f.id = c.filter_id and f.owner_id = $1 and f.visibility = 'private')`,
  ...['note', 'comment', 'file'].map((table) => `select count(*) from ${table} where author = $1`),
];

async function countByHand(client: pg.Client, userId: string): Promise<void> {
  for (const text of COUNTS) await client.query(text, [userId]);
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
