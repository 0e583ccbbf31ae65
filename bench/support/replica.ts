import 'reflect-metadata';
import { closeNats, connectNats } from '#libs/broker';
import { contacts } from '../scenes/contacts.js';
import { Participant } from './participant.js';

/** A process of the contacts service that starts to consume and ends on messages from its parent process. */
const [databaseUrl, natsUrl] = process.argv.slice(2);
const nats = await connectNats({ url: natsUrl!, name: 'replica' });
const participant = await Participant.open(contacts.parts, databaseUrl!, nats);
process.on('message', (command) => void (command === 'work' ? participant.listen() : end()));
process.on('disconnect', () => process.exit(1));
process.send!('ready');

async function end(): Promise<void> {
  await participant.close();
  await closeNats(nats);
  process.exit(0);
}
