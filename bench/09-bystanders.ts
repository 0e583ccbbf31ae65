import { setTimeout as pause } from 'node:timers/promises';
import { compareMilliseconds, quantile, type Measure } from './support/measure.js';
import { emptyStreams } from './support/participant.js';
import { withNats } from './support/stage.js';
import { bystander, repeatUntil, Whale, whaleTemplate } from './support/whale.js';

const EVERY = 10;

/** How much slower other users' writes are while a user with a million rows leaves. */
export const bystanders: Measure = {
  number: 9,
  name: 'bystanders',
  run: async ({ stage, size, say }) => {
    const rows = size(1_000_000);
    const template = await whaleTemplate(stage, rows);
    return withNats(stage, async (nats) => {
      await emptyStreams(nats);
      const service = await Whale.open(template, nats);
      const other = await bystander(service.copy.url);
      const idle = await repeatUntil(pause(size(10_000)), EVERY, other.write);
      const busy = await repeatUntil(service.leave(), EVERY, (round) => other.write(idle.length + round));
      say(`${idle.length} writes idle, ${busy.length} beside ${service.chunks.length} chunks`);
      const [before, during] = [quantile(idle, 0.99), quantile(busy, 0.99)];
      const chunk = quantile(service.chunks, 0.99);
      await other.end();
      await service.close();
      const what = `p99 of other users' writes while a user with ${rows.toLocaleString('en')} rows leaves`;
      return [
        compareMilliseconds({ what, against: 'the same writes, idle', goal: { atMost: 1.5 } }, during, before),
        compareMilliseconds({ what: 'p50 of the same', against: 'idle' }, quantile(busy, 0.5), quantile(idle, 0.5)),
        compareMilliseconds({ what: 'p99 of a chunk', against: '250 ms', goal: { atMost: 1 } }, chunk, 250),
      ];
    });
  },
};
