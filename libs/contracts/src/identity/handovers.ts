import { Email, Id, Ids, Text } from '../fields.js';
import { operation } from '../operation.js';
import { MANAGERS } from '../principal.js';
import { Departure } from './departures.js';
import { InvitedUser } from './users.js';

/** The person who takes over a user. */
export class UserTransfer {
  @Text() name: string;
  @Email() email: string;
  @Text({ about: 'The person’s id in the account’s own systems, unique in the account.' }) staffId: string;
}

export class TransferredUser extends InvitedUser {
  @Id({ about: 'The departure of the former person, whose receipts show what ends with the take-over.' })
  departureId: string;
}

export class ConversionRequest {
  @Text({ about: 'The name of the shared inbox.' }) name: string;

  @Ids({
    min: 1,
    about:
      'Active users other than the leaver. The first one gets the calls and texts to the number, unless another user ' +
      'answers it already. Users who have left by then are left out; if none remains, the first admin becomes a member.',
  })
  memberIds: string[];
}

export const usersTransfer = operation<TransferredUser, UserTransfer>({
  id: 'users.transfer',
  service: 'identity',
  method: 'POST',
  path: '/v1/users/:id/transfer',
  summary:
    'Transfer a user with number, inbox and history to another person; what is the former person’s own ends, such as sign-ins and grants',
  body: UserTransfer,
  answer: TransferredUser,
  status: 200,
  access: MANAGERS,
  errors: [
    'forbidden',
    'not-found',
    'conflict',
    'no-free-seat',
    'sole-owner',
    'legal-hold',
    'duplicate-email',
    'duplicate-staff-id',
  ],
});

export const usersConvert = operation<Departure, ConversionRequest>({
  id: 'users.convert-to-shared-inbox',
  service: 'identity',
  method: 'POST',
  path: '/v1/users/:id/convert-to-shared-inbox',
  summary: 'Convert the number and threads of a user to a shared inbox and delete the user',
  body: ConversionRequest,
  answer: Departure,
  status: 202,
  location: '/v1/departures/:id',
  access: MANAGERS,
  errors: [
    'forbidden',
    'not-found',
    'conflict',
    'sole-owner',
    'not-deactivated',
    'numbers-assigned',
    'retention',
    'legal-hold',
    'unknown-user',
    'inactive-user',
    'service-unavailable',
  ],
  timeout: 15_000,
});
