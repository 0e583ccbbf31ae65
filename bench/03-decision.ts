import { Outbox } from '#libs/outbox';
import { Audit } from '../services/identity/src/audit/audit.js';
import { DepartureCommands } from '../services/identity/src/departures/decide/departure-commands.js';
import { compareTimes, inTurn, type Measure } from './support/measure.js';
import { Identity } from './support/identity.js';
import { personId } from './support/people.js';

const ROUNDS = 5;

/** Sequential deactivations, each decided in its own transaction; and the same with two parts switched off. */
export const decision: Measure = {
  number: 3,
  name: 'decision',
  run: async (bench) => {
    const each = bench.size(100);
    const identity = await Identity.start(bench.stage, each * ROUNDS * 2);
    const commands = identity.get(DepartureCommands);
    let person = 0;
    const decide = async () => {
      for (let n = 0; n < each; n++) {
        const leaving = [identity.owner, personId(++person), 'deactivated', {}] as const;
        const foreseen = await identity.preparation(() => commands.prepare(...leaving));
        await identity.transaction(() => commands.decide(...leaving, foreseen));
      }
      return each;
    };
    const parts = [identity.get(Outbox), identity.get(Audit)];
    const { ours, theirs } = await inTurn(bench, ROUNDS, {
      ours: { run: decide },
      theirs: {
        prepare: async () => parts.forEach((part) => Object.assign(part, { append: async () => undefined })),
        run: decide,
        finish: async () => parts.forEach((part) => Reflect.deleteProperty(part, 'append')),
      },
    });
    await identity.service.close();
    const what = `${each} decisions with outbox and audit trail`;
    return [compareTimes({ what, against: 'without them', goal: { atMost: 1.15 } }, ours, theirs)];
  },
};
