import { Directory, ormOptions } from '#libs/database';
import { withClient } from '#libs/local-servers';
import { IdempotencyKeys } from '#libs/platform';
import { MikroORM, RequestContext, type EntityManager } from '@mikro-orm/postgresql';
import { from as copyFrom } from 'pg-copy-streams';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MEMORY_LIMITS } from '../scripts/lib/supervisor.mjs';
import { Uploads } from '../services/contacts/src/contact-import/uploads.js';
import { compareTimes, inTurn, type Measure } from './support/measure.js';
import { clock, ids } from './support/participant.js';
import { ACCOUNT, directoryOf, personId } from './support/people.js';
import { contacts } from './scenes/contacts.js';
import type { Copy } from './support/stage.js';

const PEOPLE = 1_000;
const PIECE = 2_000;

/** A file of contacts, each with the StaffId of its assignee. */
export const imports: Measure = {
  number: 17,
  name: 'import',
  run: async (bench) => {
    const { stage, size } = bench;
    const rows = size(1_000_000);
    const { parts } = contacts;
    const named = `update directory set staff_id = 'S' || (('x' || right(user_id::text, 8))::bit(32)::int)`;
    const template = await stage.template(parts.name, parts.migrations, [directoryOf(PEOPLE), named]);
    let memory = { grown: 0, peak: 0 };
    const { ours, theirs } = await inTurn(bench, 1, {
      ours: {
        prepare: async () => {
          const copy = await template.copy();
          const orm = await MikroORM.init(ormOptions(copy.url, parts.entities));
          const em = orm.em as EntityManager;
          const uploads = new Uploads(em, new Directory(em), ids, clock, new IdempotencyKeys(clock, ids, em));
          const importId = await RequestContext.create(em, async () => {
            const id = await uploads.open({ accountId: ACCOUNT, userId: personId(0), userIdField: 'StaffId' });
            let n = 0;
            for (const piece of fileOf(rows)) await uploads.append(id, n++, Buffer.from(piece));
            await uploads.close(id);
            return id;
          });
          await orm.close(true);
          return { copy, importer: await start(copy.url, importId) };
        },
        run: async ({ importer }: { importer: ChildProcess }) => {
          importer.send('work');
          [memory] = (await once(importer, 'message')) as [typeof memory];
          return rows;
        },
        finish: async ({ copy }: { copy: Copy }) => {
          await withClient(copy.adminUrl, (client) => counted(client, rows));
          await copy.drop();
        },
      },
      theirs: {
        prepare: () => template.copy(),
        run: async ({ adminUrl }) => {
          await withClient(adminUrl, async (client) => {
            const columns = 'id, account_id, external_id, name, phone, email, assignee, created_at';
            await pipeline(
              Readable.from(copyRows(rows)),
              client.query(copyFrom(`copy contact (${columns}) from stdin`)),
            );
          });
          return rows;
        },
        finish: (copy) => copy.drop(),
      },
    });
    const what = `Import of ${rows.toLocaleString('en')} contacts with StaffId`;
    const [grown, peak] = [memory.grown, memory.peak].map((bytes) => bytes / 1024 ** 2);
    return [
      compareTimes({ what, against: 'COPY into the same table', goal: { atMost: 2 } }, ours, theirs),
      {
        what: 'Memory used by the import',
        against: '200 MB',
        ours: `${grown!.toFixed(0)} MB`,
        theirs: '200 MB',
        ratio: grown! / 200,
        goal: { atMost: 1 },
        note: `Measured in a process with the memory limits of npm start; it used ${peak!.toFixed(0)} MB at most.`,
      },
    ];
  },
};

async function start(databaseUrl: string, importId: string): Promise<ChildProcess> {
  const child = fork(new URL('./support/importer.ts', import.meta.url), [databaseUrl, importId], {
    execArgv: [...MEMORY_LIMITS, '--import', './scripts/lib/typescript-loader.mjs'],
  });
  await once(child, 'message');
  return child;
}

function* fileOf(rows: number): Generator<string> {
  yield 'Contact Id,Name,Phone,Email,StaffId\n';
  for (let from = 0; from < rows; from += PIECE) {
    const count = Math.min(PIECE, rows - from);
    yield Array.from({ length: count }, (_, i) => lineOf(from + i)).join('');
  }
}

const lineOf = (n: number) => `C${n},Contact ${n},+4930${1_000_000 + n},contact${n}@example.com,S${1 + (n % PEOPLE)}\n`;

function* copyRows(rows: number): Generator<string> {
  const now = clock.now().toISOString();
  for (let n = 0; n < rows; n++) {
    const values = [
      `C${n}`,
      `Contact ${n}`,
      `+4930${1_000_000 + n}`,
      `contact${n}@example.com`,
      personId(1 + (n % PEOPLE)),
    ];
    yield `${[ids.next(), ACCOUNT, ...values, now].join('\t')}\n`;
  }
}

async function counted(client: { query: (text: string) => Promise<{ rows: { count: string }[] }> }, wanted: number) {
  const { rows } = await client.query('select count(assignee) as count from contact');
  if (Number(rows[0]!.count) !== wanted) throw new Error(`${rows[0]!.count} contacts have an assignee, not ${wanted}`);
}
