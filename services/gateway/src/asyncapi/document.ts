import {
  DEPARTURE_COMPLETED,
  DEPARTURE_NEWS,
  DEPARTURES_STREAM,
  departureProgress,
  departureSubject,
  isLifecycleType,
  receiptSubject,
  USER_EVENTS,
  USERS_STREAM,
  userSubject,
  type DepartureNewsType,
  type Schema,
  type UserEventType,
} from '#libs/contracts';
import { withFacts } from '../openapi/example-facts.js';
import { Examples } from '../openapi/examples.js';
import { factsOf } from './event-facts.js';
import {
  cloudEvent,
  completedData,
  EVENT_SCHEMAS,
  lifecycleData,
  newsData,
  profileData,
  tombstone,
} from './schemas.js';

type Audience = 'public' | 'internal';

interface Announcement {
  /** Name of the channel and the message. */
  name: string;
  /** The subject in AsyncAPI notation: `{accountId}` for a variable part. */
  address: string;
  summary: string;
  audience: Audience;
  /** Absent if the message is empty. */
  payload?: Schema;
  contentType?: string;
  /** The JetStream stream that stores it. Without one, core NATS delivers only to current subscribers. */
  stream?: string;
}

const CLOUD_EVENT = 'application/cloudevents+json';

const FACTS: Record<UserEventType, string> = {
  'user.created': 'A user was invited or joined.',
  'user.updated': 'The profile of a user changed.',
  'user.deactivated': 'A user was deactivated and signed out. `departure` says how to handle the data.',
  'user.reactivated': 'A deactivated user was reactivated.',
  'user.transferred':
    'Another person took a user over, who stays active. `departure` says how to end what is the former one’s own.',
  'user.reassigned':
    'Rows of a user, who stays active, are handed over to another user. `departure` says which, and to whom.',
  'user.deleted': 'A user was deleted permanently. The profile no longer has a name.',
};

const users = USER_EVENTS.map((type): Announcement => ({
  name: type,
  address: userSubject(type, '{accountId}', '{userId}'),
  summary: FACTS[type],
  audience: 'public',
  payload: cloudEvent(type, isLifecycleType(type) ? lifecycleData : profileData, {
    schema: 'UserEventData',
    extensions: type === 'user.deleted' ? { tombstone } : {},
  }),
  contentType: CLOUD_EVENT,
  stream: USERS_STREAM,
}));

const NEWS: Record<DepartureNewsType, string> = {
  'departure.approval-requested': 'A departure was requested and waits for the approval of another manager.',
  'departure.scheduled': 'A departure or reactivation was scheduled for a later date.',
  'departure.announced': 'The deletion that the policy has scheduled for a deactivated user comes in some days.',
  'departure.started': 'A departure was decided; the services apply their rules.',
  'departure.failed':
    'A service gave up, verification found rows left, or a scheduled departure was refused on its date.',
  'departure.cancelled':
    'A departure that was scheduled or waited for approval was cancelled, refused or not approved in time, or called off by ' +
    'another decision about the user.',
};

const news = DEPARTURE_NEWS.map((type): Announcement => ({
  name: type,
  address: departureSubject(type, '{accountId}', '{userId}'),
  summary: NEWS[type],
  audience: 'public',
  payload: cloudEvent(type, newsData, { schema: 'DepartureNews' }),
  contentType: CLOUD_EVENT,
  stream: DEPARTURES_STREAM,
}));

const ANNOUNCEMENTS: readonly Announcement[] = [
  ...users,
  ...news,
  {
    name: DEPARTURE_COMPLETED,
    address: departureSubject(DEPARTURE_COMPLETED, '{accountId}', '{userId}'),
    summary: 'Every service has completed a departure, and nothing is left.',
    audience: 'public',
    payload: cloudEvent(DEPARTURE_COMPLETED, completedData, { schema: 'CompletedDeparture' }),
    contentType: CLOUD_EVENT,
    stream: DEPARTURES_STREAM,
  },
  {
    name: 'departure.receipt',
    address: receiptSubject('{service}'),
    summary: 'What a service did for some events. Identity adds it to the departures.',
    audience: 'internal',
    payload: { $ref: '#/components/schemas/ReceiptBatch' },
    stream: DEPARTURES_STREAM,
  },
  {
    name: 'departure.progress',
    address: departureProgress('{departureId}'),
    summary: 'A departure has made progress. The message is empty; consumers ask for the new events.',
    audience: 'internal',
  },
];

/**
 * Builds the AsyncAPI 3 document of the messages published on the broker:
 * https://www.asyncapi.com/docs/reference/specification/v3.0.0
 */
export function asyncApiDocument() {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Leaver',
      version: '1',
      description:
        'Facts about users, for every service that stores data about them. An event can arrive more than once and, after a ' +
        'failure, out of order: `data.lifecycleVersion` identifies the newest decision. Events grow, but do not change: ' +
        'within a version of `dataschema`, types, subjects, fields and their meaning stay, and only optional fields, values of ' +
        'lists such as `action`, and types of events are added. Ignore what you do not know. A change that consumers could not ' +
        'read gets a new version: the events of both versions are then published for at least one minor release, and the ' +
        'changelog says so.',
      license: { name: 'Apache 2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      tags: [
        { name: 'public', description: 'For every client with a user on the broker.' },
        { name: 'internal', description: 'Between the services of Leaver and their operator; may change.' },
      ],
    },
    defaultContentType: 'application/json',
    servers: {
      nats: {
        host: 'localhost:4222',
        protocol: 'nats',
        description: 'NATS with JetStream; the operator provides users and passwords.',
        security: [{ $ref: '#/components/securitySchemes/user' }],
      },
    },
    channels: Object.fromEntries(ANNOUNCEMENTS.map((one) => [keyOf(one), channel(one)])),
    operations: Object.fromEntries(ANNOUNCEMENTS.map((one) => [`say-${keyOf(one)}`, sendOperation(one)])),
    components: {
      messages: Object.fromEntries(ANNOUNCEMENTS.map((one) => [keyOf(one), message(one)])),
      schemas: EVENT_SCHEMAS,
      securitySchemes: { user: { type: 'userPassword', description: 'A user of the broker.' } },
    },
  };
}

/** Replaces dots, which have their own meaning in tools that read the document. */
const keyOf = ({ name }: Announcement): string => name.replaceAll('.', '-');

function channel(one: Announcement): object {
  const parameters = [...one.address.matchAll(/{(\w+)}/g)].map(([, name]) => [name, PARAMETERS[name!]]);
  const kept = one.stream
    ? `Stored in the JetStream stream \`${one.stream}\`.`
    : 'Core NATS: only current subscribers receive it.';
  return {
    address: one.address,
    description: kept,
    messages: { [keyOf(one)]: { $ref: `#/components/messages/${keyOf(one)}` } },
    ...(parameters.length > 0 && { parameters: Object.fromEntries(parameters) }),
    tags: [{ name: one.audience }],
  };
}

const PARAMETERS: Record<string, { description: string }> = {
  accountId: { description: 'The account. Everything belongs to exactly one.' },
  userId: { description: 'The user.' },
  service: { description: 'The service that sends the receipt.' },
  departureId: { description: 'The departure.' },
};

const examples = new Examples(EVENT_SCHEMAS);

const message = ({ name, summary, payload, contentType, audience }: Announcement) => ({
  name,
  title: name,
  summary,
  ...(payload && {
    payload,
    contentType: contentType ?? 'application/json',
    examples: [{ payload: withFacts(examples.of(payload), factsOf(name)) }],
  }),
  tags: [{ name: audience }],
});

function sendOperation(one: Announcement): object {
  const key = keyOf(one);
  return {
    action: 'send',
    channel: { $ref: `#/channels/${key}` },
    summary: one.summary,
    messages: [{ $ref: `#/channels/${key}/messages/${key}` }],
    tags: [{ name: one.audience }],
  };
}
