import { operation } from '../operation.js';
import { MANAGERS } from '../principal.js';
import { User } from './user.js';

const ofManagers = { service: 'identity', access: MANAGERS } as const;

export const usersSuspend = operation<User>({
  ...ofManagers,
  id: 'users.suspend',
  method: 'POST',
  path: '/v1/users/:id/suspend',
  summary: 'Suspend a user: let them in nowhere from now on, and leave everything else as it is',
  answer: User,
  status: 200,
  errors: ['forbidden', 'not-found', 'sole-owner', 'inactive-user'],
});

export const usersResume = operation<User>({
  ...ofManagers,
  id: 'users.resume',
  method: 'POST',
  path: '/v1/users/:id/resume',
  summary: 'End the suspension of a user, who can sign in again',
  answer: User,
  status: 200,
  errors: ['forbidden', 'not-found', 'inactive-user'],
});

export const usersSessionsEnd = operation({
  ...ofManagers,
  id: 'users.sessions.end',
  method: 'DELETE',
  path: '/v1/users/:id/sessions',
  summary: 'End all sessions of a user, who can sign in again at once',
  errors: ['forbidden', 'not-found'],
});
