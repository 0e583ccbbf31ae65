import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { receiptSubject, type ReceiptBatch } from '#libs/contracts';
import type { NatsConnection } from '@nats-io/transport-node';
import { total, type Cpu } from './support/cpu.js';
import { compareRates, inTurn, median, type Measure, type Sample } from './support/measure.js';
import { emptyStreams, Participant, policyOf } from './support/participant.js';
import { departureOf, directoryOf, publish } from './support/people.js';
import { withNats, type Copy } from './support/stage.js';
import { contacts } from './scenes/contacts.js';

/** The same service with two processes and with one. */
export const replicas: Measure = {
  number: 18,
  name: 'replicas',
  run: async (bench) => {
    const [people, some] = [bench.size(10_000), bench.size(4_000)];
    const { parts, rows, policy } = contacts;
    const template = await bench.stage.template(parts.name, parts.migrations, [directoryOf(people), ...rows(people)]);
    const { two, one } = await withNats(bench.stage, (nats) => {
      const side = (processes: number) => ({
        prepare: async () => {
          const copy = await template.copy();
          const planner = await Participant.open(parts, copy.url, nats);
          const rules = policyOf(planner, 'crm', policy);
          await planner.close();
          await emptyStreams(nats);
          const children = await Promise.all(Array.from({ length: processes }, () => start(copy, bench.stage.natsUrl)));
          await publish(
            nats,
            Array.from({ length: some }, (_, n) => departureOf(n + 1, 'deleted', rules)),
          );
          return { copy, children };
        },
        run: async ({ children }: { children: ChildProcess[] }) => {
          const done = allAnswered(nats, some);
          for (const child of children) child.send('work');
          await done;
          return some;
        },
        finish: async ({ copy, children }: { copy: Copy; children: ChildProcess[] }) => {
          await Promise.all(children.map((child) => (child.send('end'), once(child, 'exit'))));
          await copy.drop();
        },
      });
      return inTurn(bench, 2, { two: side(2), one: side(1) });
    });
    const words = { what: 'Two replicas of the contacts service', against: 'one replica', goal: { atLeast: 1.5 } };
    return [
      {
        ...compareRates(words, two, one, 'leavers'),
        note: `With one replica ${busy(one)} of ${cpus().length} CPUs were busy, with two replicas ${busy(two)}; PostgreSQL used ${busy(one, 'postgres')} and ${busy(two, 'postgres')} of them.`,
      },
    ];
  },
};

const busy = (samples: readonly Sample[], part?: keyof Cpu): string =>
  median(samples.map(({ cpu, seconds }) => (part ? cpu[part] : total(cpu)) / seconds)).toFixed(2);

async function start({ url }: Copy, natsUrl: string): Promise<ChildProcess> {
  const child = fork(new URL('./support/replica.ts', import.meta.url), [url, natsUrl], {
    execArgv: ['--import', './scripts/lib/typescript-loader.mjs'],
  });
  await once(child, 'message');
  return child;
}

function allAnswered(nats: NatsConnection, events: number): Promise<void> {
  return new Promise((resolve) => {
    let left = events;
    const subscription = nats.subscribe(receiptSubject(contacts.parts.name), {
      callback: (_, message) => {
        left -= message.json<ReceiptBatch>().receipts.length;
        if (left > 0) return;
        subscription.unsubscribe();
        resolve();
      },
    });
  });
}
