import { WEBHOOK_EVENTS } from '#libs/contracts';

type Fields = Record<string, unknown>;

interface Rule {
  name: string;
  /** Names of fields; the rule is about objects that have all of them. */
  about: readonly string[];
  holds: (fields: Fields) => boolean;
}

const isSet = (value: unknown): boolean => value !== null && value !== undefined;
const time = (value: unknown): number => Date.parse(String(value));
const count = (value: unknown): number => Number(value);
const length = (value: unknown): number => (value as unknown[]).length;

/** The time is set if and only if the status is one of these. */
const timeOf = (field: string, ...statuses: readonly string[]): Rule => ({
  name: `${field} is set for ${statuses.join(', ')} alone`,
  about: ['status', field],
  holds: (fields) => isSet(fields[field]) === statuses.includes(fields.status as string),
});

const inOrder = (...fields: readonly string[]): Rule => ({
  name: `${fields.join(' ≤ ')}`,
  about: fields,
  holds: (object) => {
    const times = fields.map((field) => object[field]).filter(isSet);
    return times.every((one, at) => at === 0 || time(times[at - 1]) <= time(one));
  },
});

const onlyIf = (field: string, condition: string, isRight: (fields: Fields) => boolean): Rule => ({
  name: `${field} only if ${condition}`,
  about: [field],
  holds: (fields) => !isSet(fields[field]) || isRight(fields),
});

const sum = (total: string, ...parts: readonly string[]): Rule => ({
  name: `${parts.join(' + ')} = ${total}`,
  about: [total, ...parts],
  holds: (fields) => parts.reduce((all, part) => all + count(fields[part]), 0) === count(fields[total]),
});

const atLeast = (total: string, list: string): Rule => ({
  name: `${total} counts all ${list}`,
  about: [total, list],
  holds: (fields) => count(fields[total]) >= length(fields[list]),
});

const is =
  (field: string, ...values: readonly unknown[]) =>
  (fields: Fields) =>
    values.includes(fields[field]);

/** What is true of everything that the API can answer, beyond its schemas. */
const RULES: readonly Rule[] = [
  timeOf('completedAt', 'completed'),
  timeOf('finishedAt', 'completed', 'failed'),
  timeOf('stoppedAt', 'stopped'),
  timeOf('uninstalledAt', 'uninstalled'),
  timeOf('expiredAt', 'expired'),
  timeOf('deletedAt', 'deleted'),
  {
    name: 'nobody active is deactivated',
    about: ['status', 'deactivatedAt'],
    holds: (fields) => !is('status', 'active', 'invited')(fields) || !isSet(fields.deactivatedAt),
  },
  inOrder('requestedAt', 'effectiveAt'),
  {
    name: 'nothing is completed before it is effective',
    about: ['status', 'effectiveAt', 'completedAt'],
    holds: ({ status, effectiveAt, completedAt }) => status !== 'completed' || time(effectiveAt) <= time(completedAt),
  },
  inOrder('createdAt', 'lastUsedAt'),
  inOrder('createdAt', 'lastRunAt'),
  inOrder('createdAt', 'expiresAt'),
  inOrder('createdAt', 'finishedAt'),
  inOrder('createdAt', 'releaseAt'),
  inOrder('completedAt', 'issuedAt'),
  {
    name: 'an error only if something failed',
    about: ['id', 'status', 'error'],
    holds: ({ status, error }) => !isSet(error) || status === 'failed',
  },
  onlyIf('reason', 'it went wrong', (fields) => !is('status', 'assigned')(fields)),
  onlyIf('secret', 'it was just made', ({ url, uri }) => isSet(url) || isSet(uri)),
  onlyIf('system', 'no user acted', ({ actor }) => !isSet(actor)),
  onlyIf('quarantinedFromId', 'it is in quarantine', is('state', 'quarantined')),
  onlyIf('releaseAt', 'it is in quarantine', is('state', 'quarantined')),
  onlyIf('movedToId', 'it is released', is('state', 'released')),
  onlyIf('movedTo', 'the number is released', is('outcome', 'no-longer-in-service')),
  onlyIf('hostKey', 'it is SFTP', is('kind', 'sftp')),
  onlyIf('lastError', 'something failed', ({ lastResult }) => !isSet(lastResult)),
  {
    name: 'all are done when it is completed',
    about: ['status', 'progress'],
    holds: ({ status, progress }) => {
      const { done, total } = progress as Record<'done' | 'total', number>;
      return done <= total && (status !== 'completed' || done === total);
    },
  },
  {
    name: 'the services are done when the departure is completed',
    about: ['status', 'progress', 'services'],
    holds: ({ status, services }) =>
      status !== 'completed' ||
      (services as { status: string; rules?: { remaining: number }[] }[]).every(
        // Lists show no rules.
        ({ status: ended, rules = [] }) => ended === 'completed' && rules.every(({ remaining }) => remaining === 0),
      ),
  },
  sum('total', 'used', 'free'),
  sum('total', 'waiting', 'accepted', 'refused'),
  {
    name: 'completed + failed ≤ accepted',
    about: ['accepted', 'completed', 'failed'],
    holds: ({ accepted, completed, failed }) => count(completed) + count(failed) <= count(accepted),
  },
  {
    name: 'a refused row has a reason and no departure',
    about: ['row', 'userId', 'status'],
    holds: ({ status, code, departureId }) =>
      isSet(code) === is('status', 'refused', 'failed')({ status }) && !(isSet(code) && isSet(departureId)),
  },
  {
    name: 'rows add up',
    about: ['created', 'updated', 'rowsDone', 'rejectedTotal'],
    holds: (fields) =>
      count(fields.created) + count(fields.updated) + count(fields.rejectedTotal) <= count(fields.rowsDone),
  },
  atLeast('unmatchedTotal', 'unmatched'),
  atLeast('rejectedTotal', 'rejected'),
  atLeast('contactsToTellTotal', 'contactsToTell'),
  {
    name: 'sent + failed + cancelled ≤ total',
    about: ['total', 'sent', 'failed', 'cancelled'],
    holds: ({ total, sent, failed, cancelled }) => count(sent) + count(failed) + count(cancelled) <= count(total),
  },
  {
    name: 'possible without blockers alone',
    about: ['possible', 'blockers'],
    holds: ({ possible, blockers }) => possible === (length(blockers) === 0),
  },
  {
    name: 'the action is an allowed one',
    about: ['action', 'allowed'],
    holds: ({ action, allowed }) => (allowed as unknown[]).includes(action),
  },
  {
    name: 'rates follow from the counts',
    about: ['sent', 'delivered', 'replied', 'deliveryRate', 'replyRate'],
    holds: (fields) =>
      fields.deliveryRate === count(fields.delivered) / count(fields.sent) &&
      fields.replyRate === count(fields.replied) / count(fields.sent),
  },
  {
    name: 'delivered ≤ sent, replied ≤ sent',
    about: ['sent', 'delivered', 'replied'],
    holds: ({ sent, delivered, replied }) => Math.max(count(delivered), count(replied)) <= count(sent),
  },
  {
    name: 'users are named for a trigger by selection alone',
    about: ['kind', 'userIds', 'users'],
    holds: ({ kind, userIds }) => (kind === 'selected') === length(userIds) > 0,
  },
  {
    name: 'a chat has an operator unless it is queued',
    about: ['visitor', 'operatorId', 'status'],
    holds: ({ operatorId, status }) => isSet(operatorId) === (status !== 'queued'),
  },
  {
    name: 'a message that came in was received, and sent by no user',
    about: ['direction', 'status', 'sentBy'],
    holds: ({ direction, status, sentBy }) =>
      (direction === 'inbound') === (status === 'received') && (direction === 'inbound') === !isSet(sentBy),
  },
  {
    name: 'an outbound call was placed',
    about: ['direction', 'outcome'],
    holds: ({ direction, outcome }) => (direction === 'outbound') === (outcome === 'placed'),
  },
  {
    name: 'only a deleted user makes a condition match nobody',
    about: ['matchesNobody', 'user'],
    holds: ({ matchesNobody, user }) =>
      matchesNobody === (isSet(user) && (user as { status: string }).status === 'deleted'),
  },
  {
    name: 'what is withdrawn is shared with nobody',
    about: ['sharedWith', 'withdrawn'],
    holds: ({ sharedWith, withdrawn }) => withdrawn === false || length(sharedWith) === 0,
  },
  {
    name: 'the events exist',
    about: ['url', 'events'],
    holds: ({ events }) => (events as string[]).every((event) => event === '*' || event in WEBHOOK_EVENTS),
  },
  {
    name: 'chats fit',
    about: ['maxChats', 'openChats'],
    holds: ({ maxChats, openChats }) => count(openChats) <= count(maxChats),
  },
];

/** Contradictions within examples, and which rules had something to say about them. */
export class Contradictions {
  readonly found: string[] = [];
  private readonly used = new Set<Rule>();

  get unusedRules(): string[] {
    return RULES.filter((rule) => !this.used.has(rule)).map(({ name }) => name);
  }

  look(at: string, value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    if (!Array.isArray(value)) this.check(at, value as Fields);
    for (const [name, inner] of Object.entries(value)) this.look(`${at} ${name}`, inner);
  }

  private check(at: string, fields: Fields): void {
    for (const rule of RULES) {
      if (!rule.about.every((name) => name in fields)) continue;
      this.used.add(rule);
      if (!rule.holds(fields)) this.found.push(`${at}: ${rule.name} in ${JSON.stringify(fields).slice(0, 300)}`);
    }
  }
}
