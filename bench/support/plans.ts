import type { EventEmitter } from 'node:events';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { ormOptions } from '#libs/database';
import { EventProcessor, RuleSet } from '#libs/lifecycle';
import { contacts } from '../scenes/contacts.js';
import type { Bench } from './measure.js';
import { policyOf, workers } from './participant.js';
import { departureOf, directoryOf } from './people.js';

export interface Plan {
  title: string;
  lines: string[];
}

const PEOPLE = 30_000;
const BATCH = 500;
/** The maximum length of a line, in characters; some lines list 500 ids. */
const LONGEST = 160;
/** The statements whose plan is shown, with titles. The first matching statement is used. */
const HOT: [pattern: RegExp, title: string][] = [
  [/insert into inbox/, 'Inserting 500 events into the inbox'],
  [/from directory where user_id = any.* for update/s, 'Locking 500 users'],
  [/union all/, 'Counting the rows that stay, for 500 users'],
  [/update "contact" t set/, 'Unassigning the contacts of 500 users'],
  [/update "record" t set/, 'Transferring the records of 500 users'],
  [/update inbox i set status/, 'Recording the result'],
];

/** Runs one batch as a service does, and collects PostgreSQL's plans of these statements. */
export async function plansOf({ stage, size }: Bench): Promise<Plan[]> {
  const { parts, rows, policy } = contacts;
  const people = size(PEOPLE);
  const template = await stage.template(parts.name, parts.migrations, [directoryOf(people), ...rows(people)]);
  const copy = await template.copy();
  const found = new Map<string, string[]>();
  const options = ormOptions(copy.adminUrl, parts.entities);
  const { onPoolCreated } = options.driverOptions;
  const listen = (pool: Parameters<typeof onPoolCreated>[0]) => {
    onPoolCreated(pool);
    pool.on('connect', (client: EventEmitter) => client.on('notice', ({ message }) => note(found, message)));
  };
  const orm = await MikroORM.init({ ...options, driverOptions: { onPoolCreated: listen, options: EXPLAINED } });
  const em = orm.em as EntityManager;
  const rules = new RuleSet(parts.name, parts.rules, em);
  const resolved = policyOf({ rules }, 'crm', policy);
  const processor = new EventProcessor(em, rules, workers);
  await processor.apply(
    Array.from({ length: Math.min(BATCH, people) }, (_, n) => departureOf(n + 1, 'deleted', resolved)),
  );
  await orm.close(true);
  await copy.drop();
  return HOT.flatMap(([, title]) => (found.has(title) ? [{ title, lines: found.get(title)! }] : []));
}

/** Loads auto_explain, which reports the plan of every statement of the session. Only a superuser may load it. */
const EXPLAINED = [
  'session_preload_libraries=auto_explain',
  'auto_explain.log_min_duration=0',
  'auto_explain.log_analyze=on',
  'auto_explain.log_buffers=on',
  'auto_explain.log_timing=off',
  'auto_explain.log_level=notice',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

function note(found: Map<string, string[]>, message: string | undefined): void {
  const [, duration, rest] = /^duration: ([\d.]+) ms\s+plan:\n(.*)$/s.exec(message ?? '') ?? [];
  const title = HOT.find(([pattern]) => rest && pattern.test(rest))?.[1];
  if (!rest || !title || found.has(title)) return;
  // The statement comes first; the plan starts at the first line with a cost.
  const lines = rest.split('\n');
  const begins = lines.findIndex((line) => line.includes('(cost='));
  found.set(title, [
    ...lines
      .slice(begins)
      .filter((line) => !line.includes('Query Parameters'))
      .map((line) => (line.length > LONGEST ? `${line.slice(0, LONGEST)} …` : line)),
    `Duration: ${duration} ms`,
  ]);
}
