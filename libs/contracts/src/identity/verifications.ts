import { Id, ListOf, OneOf, Whole } from '../fields.js';
import { operation } from '../operation.js';
import { MANAGERS } from '../principal.js';
import { BrokenPromise } from './policy.js';

export class StartedVerification {
  @Id() id: string;
}

export class Verification {
  @Id() id: string;
  @OneOf(['running', 'completed']) status: 'running' | 'completed';
  @Whole({ about: 'People who have left, looked at so far.' }) checked: number;
  @ListOf(() => BrokenPromise, { max: 100_000, about: 'Should be empty.' }) broken: BrokenPromise[];
}

const ofUser = { service: 'identity', access: MANAGERS } as const;

export const departuresVerify = operation<StartedVerification>({
  ...ofUser,
  id: 'departures.verify',
  method: 'POST',
  path: '/v1/departures/verify',
  summary: 'Count again, over everybody who has left, what still breaks a promise',
  answer: StartedVerification,
  status: 202,
  errors: ['forbidden'],
});

export const verificationsGet = operation<Verification>({
  ...ofUser,
  id: 'departures.verify.get',
  method: 'GET',
  path: '/v1/departures/verify/:id',
  summary: 'Read what a verification has found so far',
  answer: Verification,
  errors: ['not-found'],
});
