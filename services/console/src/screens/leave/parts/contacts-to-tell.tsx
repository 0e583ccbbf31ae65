import { useState } from 'react';
import { Moment } from '../../../components/moment';
import { PersonName } from '../../../components/person-name';
import { toast } from '../../../components/toast';
import { leave as texts } from '../../../texts/leave';
import { DEFAULT, type Preview } from '../plan/choices';
import type { Choosing } from '../plan/choosing';
import { useReceiverName } from './who';

const { choose } = texts;
const SHOWN = 5;

interface ContactsToTellProps {
  preview: Preview;
  name: string;
  choosing: Choosing;
}

/** Contacts who would like to know, with what to write: to be sent when the departure begins, or copied. */
export function ContactsToTell({ preview, name, choosing }: ContactsToTellProps) {
  const { contactsToTell, contactsToTellTotal, successors } = preview;
  const named = successors.named?.find(({ rule }) => rule === DEFAULT);
  const receiver = useReceiverName({ successorId: named?.users[0]?.id ?? successors.firstAdminId ?? undefined });
  const [text, setText] = useState(choosing.choices.tellContacts?.text);
  if (contactsToTellTotal === 0) return null;
  const message = text ?? choose.message(name, receiver ?? choose.colleague);
  const isSent = choosing.choices.tellContacts !== undefined;
  const copy = () => void navigator.clipboard.writeText(message).then(() => toast(choose.copied));
  return (
    <section className="panel" aria-labelledby="tell">
      <header>
        <h2 id="tell">{choose.contacts(contactsToTellTotal)}</h2>
        <span className="muted small push">{choose.contactsAbout}</span>
      </header>
      <div className="two body">
        <ul className="lines">
          {contactsToTell.slice(0, SHOWN).map(({ contactId, name: contact, phone, lastMessageAt }) => (
            <li key={contactId}>
              <b>
                <PersonName>{contact ?? phone ?? ''}</PersonName>
              </b>
              {contact && <span className="muted">{phone}</span>}
              {lastMessageAt && (
                <span className="muted push">
                  <Moment at={lastMessageAt} />
                </span>
              )}
            </li>
          ))}
        </ul>
        <div className="field">
          <label htmlFor="tell-text">{choose.contactsText}</label>
          <textarea
            className="area"
            id="tell-text"
            rows={4}
            value={message}
            maxLength={1000}
            onChange={(event) => setText(event.target.value)}
            // Not with each letter: every change is previewed.
            onBlur={() => isSent && choosing.tell(message)}
          />
          <label className="check">
            <input
              type="checkbox"
              checked={isSent}
              onChange={(event) => choosing.tell(event.target.checked ? message : undefined)}
            />
            {choose.send(contactsToTellTotal)}
          </label>
          <span className="actions">
            <button className="btn small" type="button" onClick={copy}>
              {choose.copy}
            </button>
          </span>
        </div>
      </div>
    </section>
  );
}
