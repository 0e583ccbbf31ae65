import { queryOptions } from '@tanstack/react-query';
import { api, bodyOf, setCsrfToken, type Schemas } from './client';
import { isProblem } from './problem';

export type User = Schemas['User'];
export type Session = Schemas['BrowserSession'];
export type Credentials = Schemas['Login'];

/** The session of the cookie; null if nobody is signed in. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: readSession,
  staleTime: Infinity,
  gcTime: Infinity,
});

async function readSession(): Promise<Session | null> {
  try {
    return begin(await bodyOf(api.GET('/v1/auth/session')));
  } catch (error) {
    if (isProblem(error, 'unauthenticated', 'not-found')) return null;
    throw error;
  }
}

export async function signIn(credentials: Credentials): Promise<Session> {
  return begin(await bodyOf(api.POST('/v1/auth/session', { body: credentials })));
}

export async function signOut(): Promise<void> {
  await api.DELETE('/v1/auth/session');
}

function begin(session: Session): Session {
  setCsrfToken(session.csrfToken);
  return session;
}

export const accountQuery = queryOptions({
  queryKey: ['account'],
  queryFn: () => bodyOf(api.GET('/v1/account')),
  staleTime: 30_000,
});

export const isManager = ({ roles }: User): boolean => roles.includes('owner') || roles.includes('admin');
