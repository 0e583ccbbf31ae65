import { departuresHandover, type HandoverReport } from '#libs/contracts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { anId, bearer, bodyOf, World } from '../../test/world.js';
import { preferred } from './media-type.js';

const [departureId, receiverId, contactId] = [anId(), anId(), anId()];
const HOSTILE = `=1+1<script>alert("it's")</script>&`;
const report: HandoverReport = {
  departureId,
  user: { id: anId(), name: 'Deleted user', status: 'deleted' },
  ...{ transition: 'deleted', status: 'completed' },
  effectiveAt: '2026-03-02T09:00:00.000Z',
  completedAt: '2026-03-02T09:00:04.000Z',
  parts: [
    {
      receiver: { id: receiverId, name: HOSTILE, status: 'active' },
      received: [
        {
          ...{ service: 'insights', rule: 'insights.shared-dashboards', label: 'Shared dashboards' },
          ...{ transition: 'deactivated', affected: 2 },
        },
      ],
      affected: 2,
      checks: [
        {
          ...{ kind: 'quarantine', service: 'telephony', rule: 'telephony.numbers', label: 'Numbers' },
          ...{ affected: 1, dueAt: '2026-03-09T09:00:00.000Z' },
        },
      ],
      contacts: [{ contactId, name: HOSTILE, phone: '+14155550100' }],
    },
  ],
  contactsTold: { total: 5, sent: 3, failed: 1, cancelled: 1 },
};

let world: World;
beforeAll(async () => {
  world = await World.create();
  world.services.handle(departuresHandover, () => report);
});
afterAll(() => world.close());

const get = async (query = '', accept?: string) =>
  world.request('GET', `/v1/departures/${departureId}/handover${query}`, {
    headers: { ...bearer(await world.token({ roles: ['agent'] })), ...(accept && { accept }) },
  });

describe('a handover report', () => {
  it('is JSON, unless the client asks for another format', async () => {
    const answer = await get();
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(answer.headers.get('vary')).toBe('accept');
    expect(await bodyOf(answer)).toEqual(report);
    expect(await bodyOf(await get('?format=json', 'text/html'))).toEqual(report);
    expect(await bodyOf(await get('?format=xml'))).toMatchObject({ code: 'validation' });
  });

  it.each([
    ['?format=csv', undefined],
    ['', 'text/csv'],
  ])('is a CSV file with %s and Accept: %s, in which no cell is a formula', async (query, accept) => {
    const answer = await get(query, accept);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="handover-${departureId}.csv"`);
    const name = `"'${HOSTILE.replaceAll('"', '""')}"`;
    expect((await answer.text()).split('\r\n')).toEqual([
      'receiverId,receiver,kind,service,rule,part,label,transition,affected,dueAt,code,contactId,name,phone,lastMessageAt',
      `${receiverId},${name},received,insights,insights.shared-dashboards,,Shared dashboards,deactivated,2,,,,,,`,
      `${receiverId},${name},quarantine,telephony,telephony.numbers,,Numbers,,1,2026-03-09T09:00:00.000Z,,,,,`,
      `${receiverId},${name},contact,,,,,,,,,${contactId},${name},'+14155550100,`,
      ...[`total,,5`, `sent,,3`, `failed,,1`, `cancelled,,1`].map((count) => `,,told,messaging,,,${count},,,,,,`),
      '',
    ]);
  });

  it('is a page that runs nothing and loads nothing, whatever names contain', async () => {
    const answer = await get('', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8');
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('content-disposition')).toBe(`inline; filename="handover-${departureId}.html"`);
    const page = await answer.text();
    const style = /<style>(.*?)<\/style>/s.exec(page)![1]!;
    const hash = createHash('sha256').update(style).digest('base64');
    expect(answer.headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(page).toContain('=1+1&lt;script&gt;alert(&quot;it&#39;s&quot;)&lt;/script&gt;&amp;');
    expect(page).toContain('<a href="tel:+14155550100">');
    expect(page).toContain('Contacts told by text: 3 of 5. Failed: 1. Called off: 1.');
    expect(page).toContain('Numbers in quarantine: due on 2026-03-09');
    expect(page).not.toMatch(/<script|\son\w+=|(src|href)="(?!tel:)|url\(|@import/);
  });
});

it.each([
  ['', 'json'],
  ['*/*', 'json'],
  ['application/pdf', 'json'],
  ['text/*', 'csv'],
  ['text/csv;q=0.5, text/html', 'html'],
  ['text/html;q=0, */*;q=0.1', 'json'],
  ['TEXT/HTML; charset=utf-8; Q=0.9, application/json;q=0.1', 'html'],
])('of Accept: %s the preferred format is %s', (accept, format) => {
  expect(preferred(accept, { json: 'application/json', csv: 'text/csv', html: 'text/html' })).toBe(format);
});
