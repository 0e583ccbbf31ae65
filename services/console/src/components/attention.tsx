import type { ReactNode } from 'react';
import { Icon } from './icon';

export interface AttentionItem {
  id: string;
  title: ReactNode;
  about?: ReactNode;
  /** The way out. */
  actions?: ReactNode;
}

interface AttentionProps {
  title: string;
  note?: string;
  items: readonly AttentionItem[];
  children?: ReactNode;
}

/** Up to five things that nobody may overlook, each with its own way out. */
export function Attention({ title, note, items, children }: AttentionProps) {
  return (
    <section className="attention" aria-label={title}>
      <header>
        <Icon name="alert" />
        <h2>{title}</h2>
        {note && <span className="muted small">{note}</span>}
      </header>
      <AttentionItems items={items} />
      {children}
    </section>
  );
}

export function AttentionItems({ items }: Pick<AttentionProps, 'items'>) {
  return (
    <ul>
      {items.map(({ id, title, about, actions }) => (
        <li key={id}>
          <p>
            <b>{title}</b>
            {about}
          </p>
          {actions && <div className="actions">{actions}</div>}
        </li>
      ))}
    </ul>
  );
}
