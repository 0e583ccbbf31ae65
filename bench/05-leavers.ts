import { withClient } from '#libs/local-servers';
import { compareTimes, inTurn, type Finding, type Measure, type Sample, type Side } from './support/measure.js';
import { emptyStreams, Participant, policyOf } from './support/participant.js';
import { departureOf, directoryOf, personId, publish } from './support/people.js';
import { withNats, type Copy } from './support/stage.js';
import type { Scene } from './scenes/scene.js';
import { SCENES } from './scenes/scenes.js';

/** One, because two rounds of six services would take five minutes. */
const ROUNDS = 1;

/** 10,000 users leave at the same time, each with 50 rows per service. Our side starts with the events in the stream. */
export const leavers: Measure = {
  number: 5,
  name: 'leavers',
  run: async (bench) => {
    const people = bench.size(10_000);
    const findings: Finding[] = [];
    const whole = { ours: [] as Sample[], theirs: [] as Sample[] };
    for (const scene of SCENES) {
      const { name, migrations } = scene.parts;
      const template = await bench.stage.template(name, migrations, [directoryOf(people), ...scene.rows(people)]);
      const samples = await withNats(bench.stage, (nats) =>
        inTurn({ ...bench, say: (text) => bench.say(`${name}, ${text}`) }, ROUNDS, {
          ours: engine(scene, people, () => template.copy(), nats),
          theirs: byHand(scene, people, () => template.copy()),
        }),
      );
      const words = {
        what: `${people.toLocaleString('en')} leavers with 50 rows: ${name}`,
        against: 'one hand-written transaction',
      };
      findings.push(compareTimes({ ...words, goal: { atMost: 1.5 } }, samples.ours, samples.theirs));
      for (const side of ['ours', 'theirs'] as const) whole[side] = added(whole[side], samples[side]);
    }
    const words = {
      what: 'All six services, one after another',
      against: 'hand-written transactions',
      goal: { atMost: 1.5 },
    };
    return [...findings, compareTimes(words, whole.ours, whole.theirs)];
  },
};

type Nats = Parameters<typeof emptyStreams>[0];

export function engine(scene: Scene, people: number, copy: () => Promise<Copy>, nats: Nats): Side<Prepared> {
  return {
    prepare: async () => {
      const database = await copy();
      const participant = await Participant.open(scene.parts, database.url, nats);
      const rules = policyOf(participant, 'crm', scene.policy);
      await emptyStreams(nats);
      await publish(
        nats,
        Array.from({ length: people }, (_, n) => departureOf(n + 1, 'deleted', rules)),
      );
      return { database, participant };
    },
    run: async ({ participant }) => {
      await participant.work(people);
      return people;
    },
    finish: async ({ database, participant }) => {
      await participant.close();
      await database.drop();
    },
  };
}

interface Prepared {
  database: Copy;
  participant: Participant;
}

function byHand(scene: Scene, people: number, copy: () => Promise<Copy>): Side<Copy> {
  const everybody = Array.from({ length: people }, (_, n) => personId(n + 1));
  return {
    prepare: copy,
    run: async ({ url }) => {
      await withClient(url, async (client) => {
        await client.query('begin');
        for (const text of scene.byHand)
          await client.query(text, text.includes('$2') ? [everybody, personId(0)] : [everybody]);
        await client.query('commit');
      });
      return people;
    },
    finish: (database) => database.drop(),
  };
}

const added = (some: readonly Sample[], more: readonly Sample[]): Sample[] =>
  more.map((sample, round) => {
    const before = some[round];
    if (!before) return sample;
    const cpu = {
      node: before.cpu.node + sample.cpu.node,
      postgres: before.cpu.postgres + sample.cpu.postgres,
      nats: before.cpu.nats + sample.cpu.nats,
    };
    return { seconds: before.seconds + sample.seconds, work: sample.work, cpu };
  });
