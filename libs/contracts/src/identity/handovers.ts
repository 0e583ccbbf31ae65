import { Email, Ids, Text } from '../fields.js';
import { operation } from '../operation.js';
import { MANAGERS } from '../principal.js';
import { Departure } from './departures.js';
import { InvitedUser } from './users.js';

/** Who takes a user over. */
export class UserTransfer {
  @Text() name: string;
  @Email() email: string;
  @Text({ about: 'The "User ID" of the account’s own systems, unique in the account.' }) staffId: string;
}

export class ConversionRequest {
  @Text({ about: 'What the shared inbox is called.' }) name: string;

  @Ids({
    min: 1,
    about:
      'Active users, not the one who leaves. Calls and texts to the number come to the first of them, unless somebody ' +
      'else answers it already. Whoever has left by the time it happens is left out; if nobody is left, the first admin ' +
      'becomes a member.',
  })
  memberIds: string[];
}

export const usersTransfer = operation<InvitedUser, UserTransfer>({
  id: 'users.transfer',
  service: 'identity',
  method: 'POST',
  path: '/v1/users/:id/transfer',
  summary: 'Another person takes the user over, with number, inbox and history; the former sessions and password end',
  body: UserTransfer,
  answer: InvitedUser,
  status: 200,
  access: MANAGERS,
  errors: ['forbidden', 'not-found', 'conflict', 'sole-owner', 'legal-hold', 'duplicate-email', 'duplicate-staff-id'],
});

export const usersConvert = operation<Departure, ConversionRequest>({
  id: 'users.convert-to-shared-inbox',
  service: 'identity',
  method: 'POST',
  path: '/v1/users/:id/convert-to-shared-inbox',
  summary: 'Make number and threads a shared inbox, and delete the user, who loses neither',
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
