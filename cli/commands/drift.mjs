/** @import { KnownPeople, KnownService } from '#libs/contracts' */
/** @import { Ask } from '../broker-operator.mjs' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { dataServices } from '../../scripts/lib/services.mjs';
import { asOperator } from '../broker-operator.mjs';
import { defineCommand } from '../command.mjs';
import { EXIT, usageError } from '../exit-codes.mjs';

const MAX_SHOWN = 50;
/** Users in one request to raise versions. */
const BATCH_SIZE = 1_000;
const others = dataServices.filter((service) => service !== 'identity');

/** @typedef {KnownPeople['people'][number]} KnownUser */
/** @typedef {{ lifecycleVersion: number, seq: number }} Versions */

/**
 * How a service's record of a user differs from identity's. `ahead` and `unknown`: identity has lost something. `behind` and
 * `missing`: the service has, or the event has not arrived yet. `differs`: the user has left in only one of the two.
 * @typedef {'ahead' | 'unknown' | 'behind' | 'missing' | 'differs'} DriftKind
 */

/**
 * @typedef {object} Drift
 * @property {string} service
 * @property {DriftKind} kind
 * @property {string} accountId
 * @property {string} userId
 * @property {Versions} [known] in the service
 * @property {Versions} [decided] in identity
 */

/**
 * With `--raise`, identity continues from the versions that services know, so that its next decisions count as newer.
 */
export const drift = defineCommand({
  usage: 'drift [--service <name>] [--raise]',
  about: 'list users on whom a service and identity differ; --raise after identity was restored (operator)',
  args: 0,
  options: { service: { type: 'string' }, raise: { type: 'boolean' } },
  run: async ({ values: { service, raise }, limits, out, messages, report }) => {
    if (service !== undefined && !others.includes(service))
      throw usageError(`--service is one of ${others.join(', ')}.`);
    const found = await asOperator(limits, async (ask) => {
      const known = [];
      for (const one of service ? [service] : others) known.push({ service: one, users: await knownUsers(ask, one) });
      // Identity is read last: a decision made meanwhile must not look like one that identity has lost.
      const decided = await knownUsers(ask, 'identity');
      const withoutRules = await servicesWithoutRules(ask);
      const drifted = known.flatMap((one) =>
        compare(one.service, one.users, { decided, appliesDepartures: !withoutRules.has(one.service) }),
      );
      if (raise) messages.line(`Versions of ${await raiseVersions(ask, drifted)} users were raised.`);
      return drifted;
    });
    report(found, () => show(out, found));
    return found.length === 0 ? EXIT.done : EXIT.failed;
  },
});

/**
 * Raises each user's versions in identity to the highest that any service knows.
 * @param {Ask} ask
 * @param {Drift[]} found
 */
async function raiseVersions(ask, found) {
  /** @type {Map<string, Versions & { userId: string }>} */
  const highest = new Map();
  for (const { userId, kind, known } of found) {
    if (kind !== 'ahead' || !known) continue;
    const { seq = 0, lifecycleVersion = 0 } = highest.get(userId) ?? {};
    highest.set(userId, {
      userId,
      seq: Math.max(seq, known.seq),
      lifecycleVersion: Math.max(lifecycleVersion, known.lifecycleVersion),
    });
  }
  const people = [...highest.values()];
  let raised = 0;
  for (let from = 0; from < people.length; from += BATCH_SIZE) {
    const batch = people.slice(from, from + BATCH_SIZE);
    /** @type {{ raised: number }} */
    const answer = await ask('identity', 'raise-versions', { people: batch });
    raised += answer.raised;
  }
  return raised;
}

/**
 * @param {Ask} ask
 * @param {string} service
 */
async function knownUsers(ask, service) {
  /** @type {Map<string, KnownUser>} */
  const users = new Map();
  /** @type {string | null} */
  let after = null;
  do {
    /** @type {KnownPeople} */
    const page = await ask(service, 'known-people', { after });
    for (const user of page.people) users.set(user.userId, user);
    after = page.next;
  } while (after);
  return users;
}

/**
 * Nobody sends them the departures from before they were added.
 * @param {Ask} ask
 */
async function servicesWithoutRules(ask) {
  /** @type {KnownService[]} */
  const all = await ask('identity', 'services', {});
  return new Set(all.filter(({ rules, dropped = [] }) => rules + dropped.length === 0).map(({ service }) => service));
}

/**
 * @param {string} service
 * @param {Map<string, KnownUser>} users
 * @param {{ decided: Map<string, KnownUser>, appliesDepartures: boolean }} identity
 */
function compare(service, users, { decided, appliesDepartures }) {
  /** @type {Drift[]} */
  const found = [];
  for (const [userId, user] of users) {
    const { accountId } = user;
    const inIdentity = decided.get(userId);
    const kind = kindOf(user, inIdentity, appliesDepartures);
    if (kind)
      found.push({
        service,
        kind,
        accountId,
        userId,
        known: versionsOf(user),
        decided: inIdentity && versionsOf(inIdentity),
      });
  }
  for (const [userId, user] of decided) {
    const { accountId } = user;
    if (!users.has(userId)) found.push({ service, kind: 'missing', accountId, userId, decided: versionsOf(user) });
  }
  return found;
}

/**
 * @param {KnownUser} user
 * @param {KnownUser | undefined} decided
 * @param {boolean} appliesDepartures
 * @returns {DriftKind | undefined}
 */
function kindOf(user, decided, appliesDepartures) {
  if (!decided) return 'unknown';
  if (user.seq > decided.seq || user.lifecycleVersion > decided.lifecycleVersion) return 'ahead';
  // A service has no lifecycle version of a user before the first decision, so only a departure can be missing.
  const missesDeparture = appliesDepartures && decided.hasLeft && user.lifecycleVersion < decided.lifecycleVersion;
  if (missesDeparture || user.seq < decided.seq) return 'behind';
  return user.hasLeft === decided.hasLeft ? undefined : 'differs';
}

/**
 * @param {KnownUser} user
 * @returns {Versions}
 */
const versionsOf = ({ lifecycleVersion, seq }) => ({ lifecycleVersion, seq });

/**
 * @param {Terminal} out
 * @param {Drift[]} found
 */
function show(out, found) {
  if (found.length === 0) return out.line(out.green('Every service agrees with identity on every user.'));
  /** @param {Versions | undefined} versions */
  const text = (versions) => (versions ? `${versions.lifecycleVersion}/${versions.seq}` : '');
  out.table(
    ['service', 'kind', 'account', 'user', 'known', 'decided'],
    found
      .slice(0, MAX_SHOWN)
      .map(({ service, kind, accountId, userId, known, decided }) => [
        service,
        kind,
        accountId,
        userId,
        text(known),
        text(decided),
      ]),
  );
  if (found.length > MAX_SHOWN) out.line(`… and ${found.length - MAX_SHOWN} more: --json lists all.`);
}
