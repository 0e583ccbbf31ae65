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
  @Whole({ about: 'Users who have left and have been checked so far.' }) checked: number;
  @ListOf(() => BrokenPromise, {
    max: 100_000,
    about: 'Rows that rules should have changed and have not. Expected to be empty.',
  })
  broken: BrokenPromise[];
}

const ofUser = { service: 'identity', access: MANAGERS } as const;

export const departuresVerify = operation<StartedVerification>({
  ...ofUser,
  id: 'departures.verify',
  method: 'POST',
  path: '/v1/departures/verify',
  summary: 'Verify for all users who have left that the rules have been applied',
  answer: StartedVerification,
  status: 202,
  errors: ['forbidden'],
});

export const verificationsGet = operation<Verification>({
  ...ofUser,
  id: 'departures.verify.get',
  method: 'GET',
  path: '/v1/departures/verify/:id',
  summary: 'Read the findings of a verification so far',
  answer: Verification,
  errors: ['not-found'],
});
