import {
  ALL_OPERATIONS,
  endSsoSessions,
  endSsoSessionsOf,
  finishSso,
  openBrowserSession,
  Problem,
  RATE_LIMITS,
  type Operation,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { anId, bearer, World } from '../../test/world.js';
import { openApiDocument } from '../openapi/document.js';

interface Described {
  requestBody?: { content: Record<string, { example?: object | string }> };
  responses: Record<string, { headers?: object }>;
}

/** The operations that the provider or the browser calls on its behalf. */
const SINGLE_SIGN_ON = ['auth.sso.backchannel-logout', 'auth.sso.callback', 'auth.sso.global-logout'];

let world: World;

beforeEach(async () => {
  const env = {
    FAILED_LOGINS_PER_MINUTE: '3',
    PASSWORD_RESETS_PER_MINUTE: '2',
    ACCOUNTS_PER_MINUTE: '2',
    FAILED_TOKENS_PER_MINUTE: '2',
    RESENT_INVITATIONS_PER_MINUTE: '2',
  };
  world = await World.create({ env });
});
afterEach(() => world.close());

describe('every operation with a limit', () => {
  const limited = ALL_OPERATIONS.filter(({ rateLimit }) => rateLimit !== undefined);
  const { paths } = openApiDocument(ALL_OPERATIONS);
  const describedAs = ({ path, method }: Operation) =>
    (paths[path.replace(/:(\w+)/g, '{$1}')] as unknown as Record<string, Described>)[method.toLowerCase()]!;

  it('is served by the code that counts, and every limit has one', () => {
    expect(limited.map(({ path }) => path)).toEqual([
      '/v1/accounts',
      '/v1/auth/email-change/confirm',
      '/v1/auth/login',
      '/v1/auth/password-reset',
      '/v1/auth/password-reset/confirm',
      '/v1/auth/refresh',
      '/v1/auth/session',
      '/v1/auth/sso/:accountId/backchannel-logout',
      '/v1/auth/sso/:accountId/callback',
      '/v1/auth/sso/:accountId/global-token-revocation',
      '/v1/auth/step-up',
      '/v1/invitations/:id/resend',
      '/v1/invitations/accept',
      '/v1/users/:id',
    ]);
    expect(limited.filter(({ custom }) => custom).map(({ id }) => id)).toEqual([
      'auth.session.create',
      ...SINGLE_SIGN_ON,
    ]);
    expect(new Set(limited.map(({ rateLimit }) => rateLimit))).toEqual(new Set(RATE_LIMITS));
  });

  it.each(limited.map((operation) => ({ id: operation.id, operation })))(
    '$id answers 429 when it is used up, and is described with it',
    async ({ operation }) => {
      const refuse = () => {
        throw new Problem('unauthenticated');
      };
      world.services.handle(operation, refuse);
      for (const call of [openBrowserSession, finishSso, endSsoSessions, endSsoSessionsOf])
        world.services.answer(call as typeof openBrowserSession, refuse);
      const { requestBody, responses } = describedAs(operation);
      const [[mediaType = '', { example } = {}] = []] = Object.entries(requestBody?.content ?? {});
      const path = operation.path.replace(/:\w+/, anId());
      // Passwords of a signed-in user are counted for the user, whatever the address.
      const headers = operation.access === 'public' ? {} : bearer(await world.token());
      const given =
        typeof example === 'string'
          ? { body: example, headers: { ...headers, 'content-type': mediaType } }
          : { json: { ...example, ...(operation.method === 'PATCH' && { currentPassword: 'a guess' }) }, headers };
      const { method } = operation;
      const send = () => world.request(method, path, method === 'GET' ? { headers } : given);
      const refused = await eventually(async () => {
        const answer = await send();
        expect(answer.status).toBe(429);
        return answer;
      });
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(responses['429']).toMatchObject({ headers: { 'Retry-After': {} } });
    },
  );

  it('is described with 429, like every other one, because people and accounts are limited, too', () => {
    const with429 = ALL_OPERATIONS.filter((operation) => '429' in describedAs(operation).responses);
    expect(with429).toEqual(ALL_OPERATIONS);
  });
});
