import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import type { Schemas } from '../../api/client';
import type { User } from '../../api/session';
import { Callout } from '../../components/callout';
import { leave as texts } from '../../texts/leave';

const { done } = texts;

/** What has been accepted. */
export function Done({ user, departure: { status } }: { user: User; departure: Schemas['Departure'] }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const [title, about] =
    status === 'scheduled'
      ? [done.scheduled(user.name), done.aboutScheduled]
      : status === 'awaiting-approval'
        ? [done.awaiting(user.name), done.aboutAwaiting]
        : [done.running(user.name), done.about];
  return (
    <div className="narrow stack">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <Callout kind="ok">{about}</Callout>
      <p className="actions">
        <Link className="btn primary" to="/people">
          {done.people}
        </Link>
      </p>
    </div>
  );
}
