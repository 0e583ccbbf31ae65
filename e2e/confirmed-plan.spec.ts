import { expect, it } from '@jest/globals';
import type { PlanChange, User } from '#libs/contracts';
import type { WriteStream } from 'node:tty';
import { startConfirmed } from '../cli/departures/bulk-plan.mjs';
import { decideConfirmed } from '../cli/departures/confirmed-plan.mjs';
import { HttpError, type HttpClient } from '../cli/http-client.mjs';
import { Terminal } from '../cli/terminal/terminal.mjs';

const line = {
  ...{ rule: 'contacts.segments', service: 'contacts', label: 'Segments', transition: 'deactivated' },
  ...{ action: 'delete', destroys: true, differsFromPolicy: true, policyAction: 'keep' },
};
const user = { id: 'an id', name: 'Ada', email: null, staffId: 'A-1' } as User;
const change: PlanChange = {
  ...{ rule: 'contacts.segments', transition: 'deactivated' },
  ...{ before: { action: 'delete', count: 1 }, after: { action: 'delete', count: 2 } },
};

it('a plan is shown as requested and carried out as shown; one that has changed is shown again', async () => {
  const sent: [string, object][] = [];
  let count = 0;
  const post = (path: string, body: object) => {
    sent.push([path.split('/').at(-1)!, body]);
    if (path.endsWith('departure-preview'))
      return Promise.resolve({
        ...{ planToken: `token ${++count}`, possible: true, blockers: [], warnings: [], uncounted: [] },
        ...{ rules: [{ ...line, count }], contactsToTellTotal: 0 },
      });
    if (count === 1) return Promise.reject(new HttpError('POST', 409, { code: 'plan-stale', changes: [change] }));
    return Promise.resolve({ id: 'a departure' });
  };
  const written: string[] = [];
  const stream = { isTTY: false, write: (text: string) => written.push(text) } as unknown as WriteStream;
  const request = { overrides: { 'contacts.segments': 'delete' } };
  const decision = { user, transition: 'deactivated' as const, request };
  const questions: string[] = [];
  const answer = (question: string) => Promise.resolve(questions.push(question) > 0 ? 'deactivate' : '');
  const departure = await decideConfirmed({ post } as unknown as HttpClient, new Terminal(stream), decision, answer);
  expect(departure).toEqual({ id: 'a departure' });
  expect(sent).toEqual([
    ['departure-preview', { ...request, transition: 'deactivated' }],
    ['deactivate', { ...request, acceptUncounted: true, planToken: 'token 1' }],
    ['departure-preview', { ...request, transition: 'deactivated' }],
    ['deactivate', { ...request, acceptUncounted: true, planToken: 'token 2' }],
  ]);
  expect(questions).toHaveLength(2);
  const text = written.join('');
  expect(text).toContain('delete (policy: keep)');
  expect(text).toContain('contacts.segments: delete, 1 rows → delete, 2 rows');
});

it('without the confirmation nothing is sent', async () => {
  const paths: string[] = [];
  const preview = { possible: true, rules: [], blockers: [], warnings: [], uncounted: [], contactsToTellTotal: 0 };
  const post = (path: string) => Promise.resolve(paths.push(path) && preview);
  const stream = { isTTY: false, write: () => true } as unknown as WriteStream;
  const decision = { user, transition: 'deleted' as const, request: {} };
  const refused = decideConfirmed({ post } as unknown as HttpClient, new Terminal(stream), decision, () =>
    Promise.resolve('no'),
  );
  await expect(refused).rejects.toThrow('Nothing has been changed.');
  expect(paths).toEqual(['/v1/users/an id/departure-preview']);
});

it('a list is carried out with the plan token of the dry run that was shown; one that has changed is shown again', async () => {
  const sent: string[] = [];
  const counts = { total: 2, waiting: 0, accepted: 1, refused: 1, completed: 0, failed: 0 };
  const totals = [{ rule: 'contacts.segments', transition: 'deleted', action: 'delete', destroys: true, count: 4 }];
  const items = [
    { row: 1, userId: 'an id', possible: true, blockers: [], count: 4 },
    {
      row: 2,
      userId: null,
      possible: false,
      blockers: [{ code: 'unknown-user', detail: 'Nobody.', items: [] }],
      count: 0,
    },
  ];
  const upload = (path: string) => {
    sent.push(path);
    const dryRuns = sent.filter((one) => one.includes('dryRun')).length;
    if (path.includes('planToken=token-1'))
      return Promise.reject(new HttpError('POST', 409, { code: 'plan-stale', changes: [change] }));
    return Promise.resolve({ id: String(dryRuns) });
  };
  const get = (path: string) => {
    const id = path.split('/').at(-1)!.split('?')[0];
    const plan = { id, status: 'completed', transition: 'deleted', dryRun: true, planToken: `token-${id}` };
    return Promise.resolve({ ...plan, counts, totals, rows: [], items, nextCursor: null });
  };
  const written: string[] = [];
  const stream = { isTTY: false, write: (text: string) => written.push(text) } as unknown as WriteStream;
  const options = { limits: { answer: 1_000, progress: 1_000 }, messages: new Terminal(stream) };
  const wanted = { transition: 'deleted' as const, list: { csv: 'staffId\nA\nB\n', staffIds: ['A', 'B'] } };
  const api = { upload, get } as unknown as HttpClient;
  expect(await startConfirmed(api, wanted, { ...options, answer: () => Promise.resolve('1') })).toEqual({ id: '2' });
  const path = '/v1/departures/bulk?transition=deleted';
  expect(sent).toEqual(
    ['dryRun=true', 'planToken=token-1', 'dryRun=true', 'planToken=token-2'].map((query) => `${path}&${query}`),
  );
  const text = written.join('');
  for (const shown of [
    /contacts\.segments +deleted +delete +4/,
    /2 +B +unknown-user +Nobody\./,
    '1 can leave, 1 refused',
  ])
    expect(text).toMatch(shown);
  expect(text).toContain('contacts.segments: delete, 1 rows → delete, 2 rows');
  const refused = startConfirmed(api, wanted, { ...options, answer: () => Promise.resolve('2') });
  await expect(refused).rejects.toThrow('Nothing has been changed.');
});
