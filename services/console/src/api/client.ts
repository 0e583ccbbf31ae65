import createClient, { type Middleware } from 'openapi-fetch';
import type { components, paths } from '#openapi';
import { ApiProblem, isProblem, problemOf } from './problem';

export type Schemas = components['schemas'];

/** Called when a request finds that the session is over. */
type OnSessionEnd = () => void;

let csrfToken: string | undefined;
let onSessionEnd: OnSessionEnd = () => undefined;

/** The token that every change needs; it stays the same for the whole session. */
export function setCsrfToken(token: string | undefined): void {
  csrfToken = token;
}

export function whenSessionEnds(listener: OnSessionEnd): void {
  onSessionEnd = listener;
}

/** Where a session begins: its refusals are about the form, not about a session that has ended. */
const SESSION = '/v1/auth/session';

const session: Middleware = {
  onRequest({ request }) {
    if (csrfToken && request.method !== 'GET') request.headers.set('x-csrf-token', csrfToken);
    return request;
  },
  async onResponse({ request, response }) {
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (isProblem(problem, 'unauthenticated') && new URL(request.url).pathname !== SESSION) onSessionEnd();
    throw problem;
  },
  onError({ error }) {
    return isProblem(error) || (error as Error).name === 'AbortError' ? (error as Error) : new ApiProblem('offline');
  },
};

/** Every path, parameter and body is checked against our own OpenAPI document. Refusals are thrown as `ApiProblem`. */
export const api = createClient<paths>({ baseUrl: window.location.origin, credentials: 'same-origin' });
api.use(session);

/** The body of an answer: `await bodyOf(api.GET('/v1/account'))`. */
export async function bodyOf<T>(call: Promise<{ data?: T }>): Promise<T> {
  // A refusal has been thrown by the middleware, so there is an answer.
  return (await call).data as T;
}
