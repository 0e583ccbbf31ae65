import { auditLines, recordAccess } from '#libs/contracts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { anId, bearer, bodyOf, World } from '../../test/world.js';

let world: World;
let recorded: unknown[];
beforeAll(async () => {
  world = await World.create();
  recorded = world.services.answer(recordAccess, () => ({}));
});
afterAll(() => world.close());

const download = async (query = '', roles: ('admin' | 'agent')[] = ['admin'], accountId = anId()) =>
  world.request('GET', `/v1/audit/export${query}`, { headers: bearer(await world.token({ roles, accountId })) });

/** The streaming itself is tested with the export of the message activity. */
describe('the export of the audit trail', () => {
  it.each([
    ['csv', '?', 'text/csv; charset=utf-8'],
    ['ndjson', '?format=ndjson&', 'application/x-ndjson; charset=utf-8'],
  ] as const)('is one file of all pages in %s, and is recorded', async (format, query, mediaType) => {
    const [next, accountId, subjectId] = [anId(), anId(), anId()];
    const asked = world.services.answer(auditLines, ({ after }) =>
      after === null ? { lines: 'one\n', next } : { lines: 'two\n', next: null },
    );
    const answer = await download(`${query}subjectId=${subjectId}`, ['admin'], accountId);
    expect([answer.status, await answer.text()]).toEqual([200, 'one\ntwo\n']);
    expect(answer.headers.get('content-type')).toBe(mediaType);
    expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="audit.${format}"`);
    expect(asked).toEqual([null, next].map((after) => ({ accountId, format, filter: { subjectId }, after })));
    const exported = { action: 'audit.exported', accountId, actorId: expect.any(String) };
    expect(recorded).toContainEqual({ accesses: [exported] });
  });

  it('is for owners and admins only, in a format that there is', async () => {
    expect((await download('', ['agent'])).status).toBe(403);
    expect(await bodyOf(await download('?format=xml'))).toMatchObject({ code: 'validation' });
  });
});
