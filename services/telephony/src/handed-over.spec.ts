import { handsOver } from '#libs/platform/testing';
import { startTelephony } from './testing/telephony.js';

let issued = 0;

handsOver('telephony', startTelephony, {
  callbacks: {
    body: ({ service }) => ({ contactId: service.ids.next(), dueAt: '2040-01-01T09:00:00.000Z' }),
    everybody: true,
  },
  numbers: { body: () => ({ e164: `+1415555${1_000 + ++issued}`, kind: 'shared' }), by: 'manager' },
});
