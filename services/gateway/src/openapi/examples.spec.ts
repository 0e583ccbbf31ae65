import { ALL_OPERATIONS, WEBHOOK_EVENTS } from '#libs/contracts';
import { readCells, readRecords, Titles } from '#libs/csv';
import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { Contradictions } from '../../test/example-rules.js';
import { openApiDocument } from './document.js';

interface Content {
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

/** Every example of the document, with where it stands. */
function* examplesIn(node: unknown, at: readonly string[] = []): Generator<{ at: string; example: unknown }> {
  if (typeof node !== 'object' || node === null) return;
  for (const [name, value] of Object.entries(node)) {
    if (name !== 'content') yield* examplesIn(value, [...at, name]);
    else
      for (const [type, { example, examples = {} }] of Object.entries(value as Record<string, Content>)) {
        if (example !== undefined) yield { at: [...at, type].join(' '), example };
        for (const [code, one] of Object.entries(examples)) yield { at: [...at, code].join(' '), example: one.value };
      }
  }
}

const { paths } = openApiDocument(ALL_OPERATIONS);
const all = [...examplesIn(paths)];
const exampleAt = (at: string) => all.find((one) => one.at === at)!.example as Record<string, unknown>;

describe('the examples of the API', () => {
  it('do not contradict themselves', () => {
    const contradictions = new Contradictions();
    for (const { at, example } of all) contradictions.look(at, example);
    expect(contradictions.found).toEqual([]);
    // A rule about fields that no example has would be no rule.
    expect(contradictions.unusedRules).toEqual([]);
  });

  it.each([
    ['/v1/users/{id}/deactivate post responses 202', { transition: 'deactivated', status: 'running' }],
    ['/v1/users/{id}/delete post responses 202', { transition: 'deleted', status: 'running' }],
    ['/v1/users/{id} delete responses 202', { transition: 'deleted', status: 'running' }],
    ['/v1/users/{id}/reactivate post responses 202', { transition: 'reactivated', status: 'running' }],
    ['/v1/users/{id}/convert-to-shared-inbox post responses 202', { transition: 'deleted' }],
    ['/v1/departures/{id}/cancel post responses 200', { status: 'cancelled' }],
    ['/v1/departures/{id}/retry post responses 202', { status: 'running' }],
    ['/v1/contact-imports post responses 201', { status: 'completed' }],
    ['/v1/contact-imports post responses 202', { status: 'running', finishedAt: null }],
    ['/v1/automations/{id}/deactivate post responses 200', { active: false }],
    ['/v1/live-chats/{id}/close post responses 200', { status: 'closed' }],
    ['/v1/numbers/{id}/release post responses 200', { state: 'released', ownerId: null }],
    ['/v1/users/{id}/legal-hold put responses 200', { legalHold: true }],
  ])('show what the call has done: %s', (at, expected) => {
    expect(exampleAt(`${at} application/json`)).toMatchObject(expected);
  });

  it('show the secret of a webhook or an authenticator app only when it is made', () => {
    const withSecret = all.filter(({ example }) => JSON.stringify(example).includes('"secret"'));
    expect(withSecret.map(({ at }) => at)).toEqual([
      '/v1/me/totp post responses 200 application/json',
      '/v1/webhooks post responses 201 application/json',
    ]);
  });

  it('name rules that there are', async () => {
    const rules = await readFile(new URL('../../../../docs/rules.md', import.meta.url), 'utf8');
    const named = new Set(all.flatMap(({ example }) => JSON.stringify(example).match(/"rule":"[^"]+"/g) ?? []));
    expect(named.size).toBeGreaterThan(0);
    for (const rule of named) expect(rules).toContain(rule.slice('"rule":"'.length, -1));
  });

  it.each([
    ['/v1/contact-imports post requestBody text/csv', ['ExternalId', 'StaffId']],
    ['/v1/departures/bulk post requestBody text/csv', ['staffId', 'successorStaffId']],
    ['/v1/reports/message-activity/export get responses 200 text/csv', ['messageId', 'user']],
  ])('of files have their columns: %s', async (at, columns) => {
    const records: string[][] = [];
    for await (const some of readRecords([Buffer.from(exampleAt(at) as unknown as string)])) records.push(...some);
    const titles = new Titles(records[0]!);
    const cells = readCells(
      records[1]!,
      titles.width,
      columns.map((name) => titles.find([name])),
    );
    expect([at, cells]).toEqual([at, columns.map(() => expect.any(String))]);
  });

  it('of errors have the status of their code', () => {
    const problems = all.filter(({ example }) =>
      (example as { type?: string }).type?.startsWith('urn:leaver:problem:'),
    );
    expect(problems.length).toBeGreaterThan(1_000);
    for (const { at, example } of problems) expect(at).toContain(` ${(example as { status: number }).status} `);
  });

  it('of SCIM describe what their paths are about', () => {
    const of = (at: string) => exampleAt(`${at} application/scim+json`);
    const urn = 'urn:ietf:params:scim:schemas:core:2.0:';
    for (const type of ['Schema', 'ResourceType']) {
      expect(of(`/scim/v2/${type}s/{name} get responses 200`).schemas).toEqual([urn + type]);
      expect(of(`/scim/v2/${type}s get responses 200`)).toMatchObject({ totalResults: expect.any(Number) });
    }
    expect(of('/scim/v2/ServiceProviderConfig get responses 200').schemas).toEqual([`${urn}ServiceProviderConfig`]);
    expect(of('/scim/v2/Users/{id} patch responses 200').active).toBe(false);
    expect(JSON.stringify(of('/scim/v2/Groups/{id} patch requestBody'))).not.toContain('active');
    expect(of('/scim/v2/Groups/.search post requestBody').filter).toContain('displayName');
  });
});

it('every event that a webhook may ask for is described where one asks', () => {
  const { schema } = (
    paths['/v1/webhooks']!.post as {
      requestBody: { content: Record<string, { schema: { $ref: string } }> };
    }
  ).requestBody.content['application/json']!;
  const { components } = openApiDocument(ALL_OPERATIONS);
  const schemas: Record<string, object> = components.schemas;
  const { properties } = schemas[schema.$ref.split('/').at(-1)!] as {
    properties: { events: { description: string } };
  };
  for (const event of Object.keys(WEBHOOK_EVENTS)) expect(properties.events.description).toContain(`\`${event}\``);
});
