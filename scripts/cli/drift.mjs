import { dataServices } from '../lib/services.mjs';
import { EXIT, usageFault } from './ending.mjs';
import { asOperator } from './operator.mjs';

const SHOWN = 50;
const others = dataServices.filter((service) => service !== 'identity');

const AT_ONCE = 1_000;

/**
 * Who is known otherwise in a service than in identity: `ahead` and `unknown` are what identity has forgotten, `behind` and
 * `missing` what the service has, or what is just on its way; who `differs` is gone here and not there. `--raise` has
 * identity count on from what services know, so that it can decide about those people again.
 */
export async function drift({ values: { service, raise }, out, say, tell }) {
  if (service !== undefined && !others.includes(service)) throw usageFault(`--service is one of ${others.join(', ')}.`);
  const found = await asOperator(async (ask) => {
    const known = [];
    for (const one of service ? [service] : others) known.push([one, await everybodyIn(ask, one)]);
    // Last, so that nobody seems to know more than was decided in the meantime.
    const decided = await everybodyIn(ask, 'identity');
    const drifted = known.flatMap(([one, people]) => compare(one, people, decided));
    if (raise) say.line(`Versions of ${await raiseVersions(ask, drifted)} people were raised.`);
    return drifted;
  });
  tell(found, () => show(out, found));
  return found.length === 0 ? EXIT.done : EXIT.failed;
}

/** To the highest that any service knows. */
async function raiseVersions(ask, found) {
  const highest = new Map();
  for (const { userId, kind, known } of found) {
    if (kind !== 'ahead') continue;
    const { seq = 0, lifecycleVersion = 0 } = highest.get(userId) ?? {};
    const raised = {
      seq: Math.max(seq, known.seq),
      lifecycleVersion: Math.max(lifecycleVersion, known.lifecycleVersion),
    };
    highest.set(userId, { userId, ...raised });
  }
  const people = [...highest.values()];
  let raised = 0;
  for (let from = 0; from < people.length; from += AT_ONCE)
    raised += (await ask('identity', 'raise-versions', { people: people.slice(from, from + AT_ONCE) })).raised;
  return raised;
}

async function everybodyIn(ask, service) {
  const people = new Map();
  let after = null;
  do {
    const page = await ask(service, 'known-people', { after });
    for (const person of page.people) people.set(person.userId, person);
    after = page.next;
  } while (after);
  return people;
}

function compare(service, people, decided) {
  const found = [];
  for (const [userId, person] of people) {
    const kind = kindOf(person, decided.get(userId));
    if (kind) found.push(entry(service, kind, person, decided.get(userId)));
  }
  for (const [userId, person] of decided)
    if (!people.has(userId)) found.push(entry(service, 'missing', undefined, person));
  return found;
}

function kindOf(person, decided) {
  if (!decided) return 'unknown';
  if (person.seq > decided.seq || person.lifecycleVersion > decided.lifecycleVersion) return 'ahead';
  // A service that has never been told a decision about somebody keeps no version of it.
  const undone = decided.hasLeft && person.lifecycleVersion < decided.lifecycleVersion;
  if (undone || person.seq < decided.seq) return 'behind';
  return person.hasLeft === decided.hasLeft ? undefined : 'differs';
}

function entry(service, kind, person, decided) {
  const { accountId, userId } = person ?? decided;
  return { service, kind, accountId, userId, known: versionsOf(person), decided: versionsOf(decided) };
}

const versionsOf = (person) => person && { lifecycleVersion: person.lifecycleVersion, seq: person.seq };

function show(out, found) {
  if (found.length === 0) return out.line(out.green('Every service knows everybody as identity does.'));
  const versions = (of) => (of ? `${of.lifecycleVersion}/${of.seq}` : '');
  out.table(
    ['service', 'kind', 'account', 'user', 'known', 'decided'],
    found
      .slice(0, SHOWN)
      .map(({ service, kind, accountId, userId, known, decided }) => [
        service,
        kind,
        accountId,
        userId,
        versions(known),
        versions(decided),
      ]),
  );
  if (found.length > SHOWN) out.line(`… and ${found.length - SHOWN} more: --json has all.`);
}
