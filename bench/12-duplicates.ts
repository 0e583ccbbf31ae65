import { compareRates, inTurn, type Measure } from './support/measure.js';
import { emptyStreams, Participant, policyOf } from './support/participant.js';
import { departureOf, directoryOf, publish } from './support/people.js';
import { withNats } from './support/stage.js';
import { contacts } from './scenes/contacts.js';

/** Redelivered events: they are answered from the inbox without other work. */
export const duplicates: Measure = {
  number: 12,
  name: 'duplicates',
  run: async (bench) => {
    const [people, some] = [bench.size(10_000), bench.size(3_000)];
    const { name, migrations } = contacts.parts;
    const template = await bench.stage.template(name, migrations, [directoryOf(people), ...contacts.rows(people)]);
    const { first, again } = await withNats(bench.stage, (nats) => {
      const open = async () => {
        const copy = await template.copy();
        const participant = await Participant.open(contacts.parts, copy.url, nats);
        const rules = policyOf(participant, 'crm', contacts.policy);
        const events = Array.from({ length: some }, (_, n) => departureOf(n + 1, 'deleted', rules));
        await emptyStreams(nats);
        await publish(nats, events);
        return { copy, participant, events };
      };
      const work = async ({ participant }: { participant: Participant }) => {
        await participant.work(some);
        return some;
      };
      const finish = async ({ copy, participant }: Awaited<ReturnType<typeof open>>) => {
        await participant.close();
        await copy.drop();
      };
      return inTurn(bench, 3, {
        first: { prepare: open, run: work, finish },
        again: {
          prepare: async () => {
            const prepared = await open();
            await work(prepared);
            await prepared.participant.pause();
            await publish(nats, prepared.events);
            return prepared;
          },
          run: work,
          finish,
        },
      });
    });
    const words = { what: 'Duplicates discarded', against: 'first deliveries', goal: { atLeast: 5 } };
    return [compareRates(words, again, first, 'events')];
  },
};
