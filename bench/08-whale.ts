import { withClient } from '#libs/local-servers';
import { compareTimes, inTurn, type Measure } from './support/measure.js';
import { emptyStreams } from './support/participant.js';
import { personId } from './support/people.js';
import { withNats } from './support/stage.js';
import { Whale, WHALE, whaleTemplate } from './support/whale.js';

const CHUNK = 10_000;

/** The deletion of one user with five million callbacks. */
export const whale: Measure = {
  number: 8,
  name: 'whale',
  run: async (bench) => {
    const rows = bench.size(5_000_000);
    const template = await whaleTemplate(bench.stage, rows);
    const byHand = (work: (url: string) => Promise<void>) => ({
      prepare: () => template.copy(),
      run: async ({ url }: { url: string }) => {
        await work(url);
        return rows;
      },
      finish: (copy: { drop: () => Promise<void> }) => copy.drop(),
    });
    const { ours, chunks, single } = await withNats(bench.stage, async (nats) => {
      await emptyStreams(nats);
      return inTurn(bench, 1, {
        ours: {
          prepare: () => Whale.open(template, nats),
          run: async (service: Whale) => {
            await service.leave();
            return rows;
          },
          finish: (service: Whale) => service.close(),
        },
        chunks: byHand(inChunks),
        single: byHand(atOnce),
      });
    });
    const what = `One user with ${rows.toLocaleString('en')} rows`;
    return [
      compareTimes(
        { what, against: `a loop of UPDATEs, ${CHUNK.toLocaleString('en')} rows each`, goal: { atMost: 1.2 } },
        ours,
        chunks,
      ),
      compareTimes({ what, against: 'a single UPDATE', goal: { atMost: 2.5 } }, ours, single),
    ];
  },
};

const atOnce = (url: string) =>
  withClient(url, async (client) => {
    await client.query('update callback set assignee_id = null where assignee_id = $1', [personId(WHALE)]);
  });

const inChunks = (url: string) =>
  withClient(url, async (client) => {
    for (let after: string | null = '00000000-0000-0000-0000-000000000000'; after;) {
      const { rows }: { rows: { last: string | null }[] } = await client.query(
        `with next as (select id from callback where assignee_id = $1 and id > $2 order by id limit ${CHUNK}),
         changed as (update callback set assignee_id = null from next where callback.id = next.id returning callback.id)
         select (array_agg(id order by id desc))[1] as last from changed`,
        [personId(WHALE), after],
      );
      after = rows[0]!.last;
    }
  });
