import { withClient } from '#libs/local-servers';
import { sql } from 'kysely';
import { compareRates, inTurn, type Measure } from './support/measure.js';
import { emptyStreams, Participant, policyOf } from './support/participant.js';
import { departureOf, directoryOf, personSql, publish } from './support/people.js';
import { withNats } from './support/stage.js';
import { contacts } from './scenes/contacts.js';

const ONE_IN = 100;

/** One leaver in a hundred has a record that a constraint of the database does not let the rule change. */
export const poison: Measure = {
  number: 13,
  name: 'poison',
  run: async (bench) => {
    const [people, some] = [bench.size(10_000), bench.size(3_000)];
    const { name, migrations } = contacts.parts;
    const template = await bench.stage.template(name, migrations, [directoryOf(people), ...contacts.rows(people)]);
    const { clean, poisoned } = await withNats(bench.stage, (nats) => {
      const side = (spoil: boolean) => ({
        prepare: async () => {
          const copy = await template.copy();
          const participant = await Participant.open(contacts.parts, copy.url, nats);
          const rules = policyOf(participant, 'crm', contacts.policy);
          await withClient(copy.adminUrl, (admin) => admin.query(REFUSAL));
          if (spoil) await sql.raw(spoiling(people)).execute(participant.em().getKysely());
          await emptyStreams(nats);
          await publish(
            nats,
            Array.from({ length: some }, (_, n) => departureOf(n + 1, 'deleted', rules)),
          );
          return { copy, participant };
        },
        run: async ({ participant }: { participant: Participant }) => {
          await participant.work(some);
          return some;
        },
        finish: async ({ copy, participant }: { copy: { drop: () => Promise<void> }; participant: Participant }) => {
          const done = await sql<{
            count: string;
          }>`select count(*) as count from inbox where status = 'completed'`.execute(participant.em().getKysely());
          const wanted = spoil ? some - Math.floor(some / ONE_IN) : some;
          await participant.close();
          await copy.drop();
          if (Number(done.rows[0]!.count) !== wanted) throw new Error('not all other events were completed');
        },
      });
      return inTurn(bench, 3, { clean: side(false), poisoned: side(true) });
    });
    const words = { what: 'One event in a hundred fails', against: 'no event fails', goal: { atLeast: 0.7 } };
    return [compareRates(words, poisoned, clean, 'events')];
  },
};

const REFUSAL = `alter table record add constraint refuses check (title <> 'poison' or owner_id <> ${personSql('0')})`;

const spoiling = (people: number) => `
  update record set title = 'poison' from generate_series(1, ${Math.floor(people / ONE_IN)}) n
  where owner_id = ${personSql(`n * ${ONE_IN}`)} and type = 'lead'`;
