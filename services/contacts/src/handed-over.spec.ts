import { handsOver } from '#libs/platform/testing';
import { startContacts } from './testing/contacts.js';

handsOver('contacts', startContacts, {
  filters: { body: { name: 'Close to me', visibility: 'private' } },
  'import-sources': {
    body: { kind: 'sftp', host: 'files.example.com', username: 'leads', password: 'of the folder', active: false },
    by: 'manager',
  },
  records: { body: { type: 'deal', title: 'A deal' } },
  segments: { body: { name: 'Hot leads', definition: {} } },
});
