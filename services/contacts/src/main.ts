import { runService } from '#libs/platform';
import { ContactsConfig } from './contacts.config.js';
import { ContactsModule } from './contacts.module.js';

await runService({ name: 'contacts', module: ContactsModule, config: ContactsConfig });
