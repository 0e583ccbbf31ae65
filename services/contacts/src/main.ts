import { runService } from '#libs/platform';
import { ContactsModule } from './contacts.module.js';

await runService({ name: 'contacts', module: ContactsModule });
