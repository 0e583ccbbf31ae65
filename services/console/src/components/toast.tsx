import { useSyncExternalStore } from 'react';
import { Icon } from './icon';

interface Shown {
  id: number;
  text: string;
  kind: 'ok' | 'stop';
}

/** Milliseconds. A refusal stays until the next message. */
const SHOWN_FOR = 6_000;

let shown: readonly Shown[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function show(next: readonly Shown[]): void {
  shown = next;
  for (const listener of listeners) listener();
}

/** Says in passing what has been done, or what was not. */
export function toast(text: string, kind: Shown['kind'] = 'ok'): void {
  const id = ++lastId;
  show([{ id, text, kind }]);
  if (kind === 'ok') setTimeout(() => show(shown.filter((one) => one.id !== id)), SHOWN_FOR);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The place of the messages, once in the page. */
export function Toasts() {
  const list = useSyncExternalStore(subscribe, () => shown);
  return (
    <div className="toasts" role="status">
      {list.map(({ id, text, kind }) => (
        <p key={id} className={kind === 'stop' ? 'toast is-stop' : 'toast'}>
          <Icon name={kind === 'stop' ? 'block' : 'done'} />
          {text}
        </p>
      ))}
    </div>
  );
}
