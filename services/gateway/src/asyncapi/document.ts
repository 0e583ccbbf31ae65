import {
  DEPARTURE_COMPLETED,
  DEPARTURE_NEWS,
  DEPARTURES_STREAM,
  departureProgress,
  isLifecycleType,
  MAIL_SUBJECT,
  receiptSubject,
  USER_EVENTS,
  USERS_STREAM,
  userSubject,
  type DepartureNewsType,
  type Schema,
  type UserEventType,
} from '#libs/contracts';
import { cloudEvent, completedData, EVENT_SCHEMAS, lifecycleData, newsData, profileData } from './schemas.js';

type Audience = 'public' | 'internal';

interface Announcement {
  /** Name of channel and message. */
  name: string;
  /** As AsyncAPI writes a subject: `{accountId}` for a part that varies. */
  address: string;
  summary: string;
  audience: Audience;
  /** None for an empty message. */
  payload?: Schema;
  contentType?: string;
  /** The JetStream stream that keeps it; core NATS forgets it at once. */
  stream?: string;
}

const CLOUD_EVENT = 'application/cloudevents+json';

const FACTS: Record<UserEventType, string> = {
  'user.created': 'Somebody has been invited or has joined.',
  'user.updated': 'What others keep of a person has changed.',
  'user.deactivated':
    'Somebody has been deactivated: signed out everywhere, the data to be handled as `departure` says.',
  'user.reactivated': 'Somebody deactivated has come back.',
  'user.deleted': 'Somebody has been deleted for good. The profile holds no name any more.',
};

const users = USER_EVENTS.map((type): Announcement => ({
  name: type,
  address: userSubject(type, '{accountId}', '{userId}'),
  summary: FACTS[type],
  audience: 'public',
  payload: cloudEvent(type, isLifecycleType(type) ? lifecycleData : profileData),
  contentType: CLOUD_EVENT,
  stream: USERS_STREAM,
}));

const NEWS: Record<DepartureNewsType, string> = {
  'departure.scheduled': 'Somebody is to leave, or to come back, on a day to come.',
  'departure.started': 'A departure has been decided: the services apply their rules.',
  'departure.failed':
    'A service has given up, something is left, or a scheduled departure was refused when its day came.',
  'departure.cancelled': 'A scheduled departure has been called off.',
};

const news = DEPARTURE_NEWS.map((type): Announcement => ({
  name: type,
  address: type,
  summary: NEWS[type],
  audience: 'public',
  payload: cloudEvent(type, newsData),
  contentType: CLOUD_EVENT,
  stream: DEPARTURES_STREAM,
}));

const ANNOUNCEMENTS: readonly Announcement[] = [
  ...users,
  ...news,
  {
    name: DEPARTURE_COMPLETED,
    address: DEPARTURE_COMPLETED,
    summary: 'Every service is through with a departure, and nothing is left.',
    audience: 'public',
    payload: cloudEvent(DEPARTURE_COMPLETED, completedData),
    contentType: CLOUD_EVENT,
    stream: DEPARTURES_STREAM,
  },
  {
    name: 'departure.receipt',
    address: receiptSubject('{service}'),
    summary: 'What a service has done for some events. For identity, which folds it into the departures.',
    audience: 'internal',
    payload: { $ref: '#/components/schemas/ReceiptBatch' },
    stream: DEPARTURES_STREAM,
  },
  {
    name: 'departure.progress',
    address: departureProgress('{departureId}'),
    summary: 'A departure has gone on. Empty: whoever shows it asks what is new.',
    audience: 'internal',
  },
  {
    name: MAIL_SUBJECT,
    address: MAIL_SUBJECT,
    summary: 'A person is to get a message. For whatever sends mail for the operator.',
    audience: 'internal',
    payload: { $ref: '#/components/schemas/MailRequest' },
  },
];

/** The AsyncAPI 3 document of what is published on the broker: https://www.asyncapi.com/docs/reference/specification/v3.0.0 */
export function asyncApiDocument() {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Leaver',
      version: '1',
      description:
        'Facts about users, for every service that keeps something of theirs. An event can come more than once and, after a ' +
        'failure, out of order: `data.lifecycleVersion` tells which decision is the newest. Optional fields may be added.',
      license: { name: 'Apache 2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      tags: [
        { name: 'public', description: 'For anybody with a user on the broker.' },
        { name: 'internal', description: 'Between the services of Leaver and their operator; may change.' },
      ],
    },
    defaultContentType: 'application/json',
    servers: {
      nats: {
        host: 'localhost:4222',
        protocol: 'nats',
        description: 'NATS with JetStream; the operator gives out users and passwords.',
        security: [{ $ref: '#/components/securitySchemes/user' }],
      },
    },
    channels: Object.fromEntries(ANNOUNCEMENTS.map((one) => [keyOf(one), channel(one)])),
    operations: Object.fromEntries(ANNOUNCEMENTS.map((one) => [`say-${keyOf(one)}`, saying(one)])),
    components: {
      messages: Object.fromEntries(ANNOUNCEMENTS.map((one) => [keyOf(one), message(one)])),
      schemas: EVENT_SCHEMAS,
      securitySchemes: { user: { type: 'userPassword', description: 'A user of the broker.' } },
    },
  };
}

/** Dots have a meaning of their own where documents are made out of this. */
const keyOf = ({ name }: Announcement): string => name.replaceAll('.', '-');

function channel(one: Announcement): object {
  const parameters = [...one.address.matchAll(/{(\w+)}/g)].map(([, name]) => [name, PARAMETERS[name!]]);
  const kept = one.stream
    ? `Kept by the JetStream stream \`${one.stream}\`.`
    : 'Core NATS: whoever is not there misses it.';
  return {
    address: one.address,
    description: kept,
    messages: { [keyOf(one)]: { $ref: `#/components/messages/${keyOf(one)}` } },
    ...(parameters.length > 0 && { parameters: Object.fromEntries(parameters) }),
    tags: [{ name: one.audience }],
  };
}

const PARAMETERS: Record<string, { description: string }> = {
  accountId: { description: 'The account: everything belongs to exactly one.' },
  userId: { description: 'The user.' },
  service: { description: 'Which service answers.' },
  departureId: { description: 'The departure.' },
};

const message = ({ name, summary, payload, contentType, audience }: Announcement) => ({
  name,
  title: name,
  summary,
  ...(payload && { payload, contentType: contentType ?? 'application/json' }),
  tags: [{ name: audience }],
});

function saying(one: Announcement): object {
  const key = keyOf(one);
  return {
    action: 'send',
    channel: { $ref: `#/channels/${key}` },
    summary: one.summary,
    messages: [{ $ref: `#/channels/${key}/messages/${key}` }],
    tags: [{ name: one.audience }],
  };
}
