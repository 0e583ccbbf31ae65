import { Flag, Text } from '../fields.js';
import { operation } from '../operation.js';
import { MANAGERS } from '../principal.js';
import type { ProblemCode } from '../problem.js';
import { BulkDeparture } from './bulk.js';
import { PLAN_TOKEN_MAX } from './departure-requests.js';
import { Departure, DECISION_TIMEOUT, deletingErrors } from './departures.js';

export class ApprovalRequest {
  @Text({
    optional: true,
    max: PLAN_TOKEN_MAX,
    about:
      'From a preview of what was requested. Without it, the approval is refused if what the request was based on has changed ' +
      'since.',
  })
  planToken?: string;

  @Flag({ optional: true, about: 'Go on although the plan lists services in `uncounted`.' })
  acceptUncounted?: boolean;
}

export class RefusalRequest {
  @Text({ min: 1, max: 1000 }) reason: string;
}

const ofDeparture = { service: 'identity', access: MANAGERS } as const;
const deciding: readonly ProblemCode[] = ['forbidden', 'not-found', 'conflict', 'own-request', 'approval-expired'];

export const departuresApprove = operation<Departure, ApprovalRequest>({
  ...ofDeparture,
  id: 'departures.approve',
  method: 'POST',
  path: '/v1/departures/:id/approve',
  summary: 'Approve a departure that waits for another manager, and carry it out or schedule it',
  body: ApprovalRequest,
  bodyOptional: true,
  answer: Departure,
  status: 202,
  location: '/v1/departures/:id',
  errors: [...new Set([...deciding, ...deletingErrors])],
  timeout: DECISION_TIMEOUT,
});

export const departuresRefuse = operation<Departure, RefusalRequest>({
  ...ofDeparture,
  id: 'departures.refuse',
  method: 'POST',
  path: '/v1/departures/:id/refuse',
  summary: 'Refuse a departure that waits for another manager',
  body: RefusalRequest,
  answer: Departure,
  status: 200,
  errors: deciding,
});

export class BulkApprovalRequest {
  @Text({
    optional: true,
    max: PLAN_TOKEN_MAX,
    about:
      'From the list as it waits, or from a dry run of the same list. Without it, the approval is refused if what the request was ' +
      'based on has changed since.',
  })
  planToken?: string;
}

export const bulkDeparturesApprove = operation<BulkDeparture, BulkApprovalRequest>({
  ...ofDeparture,
  id: 'departures.bulk.approve',
  method: 'POST',
  path: '/v1/departures/bulk/:id/approve',
  summary: 'Approve a bulk departure that waits for another manager, and carry it out',
  body: BulkApprovalRequest,
  bodyOptional: true,
  answer: BulkDeparture,
  status: 202,
  location: '/v1/departures/bulk/:id',
  errors: [...deciding, 'plan-stale', 'service-unavailable'],
  timeout: 60_000,
});

export const bulkDeparturesRefuse = operation<BulkDeparture, RefusalRequest>({
  ...ofDeparture,
  id: 'departures.bulk.refuse',
  method: 'POST',
  path: '/v1/departures/bulk/:id/refuse',
  summary: 'Refuse a bulk departure that waits for another manager, or withdraw the own one',
  body: RefusalRequest,
  answer: BulkDeparture,
  status: 200,
  errors: ['forbidden', 'not-found', 'conflict', 'approval-expired'],
});
