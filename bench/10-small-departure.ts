import { setTimeout as pause } from 'node:timers/promises';
import { compareMilliseconds, quantile, type Measure } from './support/measure.js';
import { emptyStreams } from './support/participant.js';
import { withNats } from './support/stage.js';
import { repeatUntil, Whale, WHALE, whaleTemplate } from './support/whale.js';

const EVERY = 20;

/** The departure of a user with 50 rows while a user with a million rows is leaving. */
export const smallDeparture: Measure = {
  number: 10,
  name: 'small-departure',
  run: async ({ stage, size, say }) => {
    const template = await whaleTemplate(stage, size(1_000_000));
    return withNats(stage, async (nats) => {
      await emptyStreams(nats);
      const service = await Whale.open(template, nats);
      let person = WHALE;
      const depart = () => service.smallDeparture(++person);
      const idle = await repeatUntil(pause(size(10_000)), EVERY, depart);
      const busy = await repeatUntil(service.leave(), EVERY, depart);
      say(`${idle.length} departures idle, ${busy.length} beside ${service.chunks.length} chunks`);
      await service.close();
      const what = 'p99 of a departure with 50 rows during one with 1,000,000';
      const [before, during] = [quantile(idle, 0.99), quantile(busy, 0.99)];
      return [
        compareMilliseconds({ what, against: 'the same, idle', goal: { atMost: 2 } }, during, before),
        compareMilliseconds({ what: 'p50 of the same', against: 'idle' }, quantile(busy, 0.5), quantile(idle, 0.5)),
      ];
    });
  },
};
