import { decodeUserEvent, APPLIED_TRANSITIONS, DEPARTURE_NEWS, USER_EVENTS, userSubject } from '#libs/contracts';
import { describe, expect, it } from '@jest/globals';
import { Parser } from '@asyncapi/parser';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { EXAMPLE_ID } from '../openapi/example-facts.js';
import { Contradictions } from '../../test/example-rules.js';
import { asyncApiDocument } from './document.js';

interface Message {
  name: string;
  payload?: object;
  examples?: { payload: Event }[];
}
interface Event {
  type: string;
  subject: string;
  data: { userId: string; profile: { status: string; name: string | null }; departure?: { steps: string[] } };
}

describe('the AsyncAPI document', () => {
  const document = asyncApiDocument();

  it('is valid AsyncAPI 3', async () => {
    const { document: parsed, diagnostics } = await new Parser().parse(JSON.stringify(document));
    const faults = diagnostics.filter(({ severity }) => severity <= 1);
    expect(faults.map(({ code, message, path }) => [code, message, path.join('.')])).toEqual([]);
    expect(parsed!.version()).toBe('3.0.0');
    expect(parsed!.operations().all()).toHaveLength(Object.keys(document.channels).length);
  });

  it('has a channel for every user event, with the subject it is published on', () => {
    const addresses = Object.values(document.channels).map((channel) => (channel as { address: string }).address);
    for (const type of USER_EVENTS) expect(addresses).toContain(`${type}.{accountId}.{userId}`);
    expect(addresses).toEqual(
      expect.arrayContaining(['departure.completed.{accountId}.{userId}', 'departure.receipt.{service}']),
    );
  });

  it('names a schema of the document in `dataschema` of every CloudEvent', () => {
    const { messages: described } = document.components;
    const messages = Object.values(JSON.parse(JSON.stringify(described)) as Record<string, CloudEventMessage>);
    const schemas = messages.flatMap(({ contentType, payload }) =>
      contentType === 'application/cloudevents+json' ? [payload.properties.dataschema.const] : [],
    );
    expect(schemas).toHaveLength(USER_EVENTS.length + DEPARTURE_NEWS.length + 1);
    for (const schema of schemas) {
      const [, name] = /^urn:leaver:schema:(\w+):\d+$/.exec(schema)!;
      expect(Object.keys(document.components.schemas)).toContain(name);
    }
  });

  const messages = Object.values(document.components.messages) as Message[];

  it('gives an example of every message, which its schema accepts and which does not contradict itself', () => {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    ajv.addSchema({ $id: 'asyncapi', components: document.components });
    const contradictions = new Contradictions();
    for (const { name, payload, examples = [] } of messages.filter((one) => one.payload)) {
      const schema = JSON.parse(JSON.stringify(payload).replaceAll('"#/', '"asyncapi#/')) as object;
      const check = ajv.compile(schema);
      expect([name, examples.length]).toEqual([name, 1]);
      for (const example of examples) {
        check(example.payload);
        expect([name, check.errors ?? []]).toEqual([name, []]);
        contradictions.look(name, example.payload);
      }
    }
    expect(contradictions.found).toEqual([]);
  });

  it('shows in each example of a user event what has happened', () => {
    const statuses = {
      created: 'invited',
      updated: 'active',
      reactivated: 'active',
      transferred: 'active',
      reassigned: 'active',
    };
    for (const type of USER_EVENTS) {
      const { examples } = messages.find(({ name }) => name === type)!;
      const [{ payload }] = examples as [{ payload: Event }];
      const what = type.slice('user.'.length);
      expect(decodeUserEvent(Buffer.from(JSON.stringify(payload)))).toEqual(payload);
      expect(payload.data.profile.status).toBe((statuses as Record<string, string>)[what] ?? what);
      expect(payload.data.profile.name === null).toBe(what === 'deleted');
      expect(payload.subject).toBe(userSubject(type, EXAMPLE_ID, EXAMPLE_ID));
      expect(payload.data.departure?.steps ?? []).toEqual(APPLIED_TRANSITIONS.filter((step) => step === what));
    }
  });
});

interface CloudEventMessage {
  contentType?: string;
  payload: { properties: { dataschema: { const: string } } };
}
