import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { User } from '../../api/session';
import { useTitle } from '../../app/use-title';
import { Callout } from '../../components/callout';
import { PersonName } from '../../components/person-name';
import { ProblemNotice } from '../../components/problem-notice';
import { leave as texts } from '../../texts/leave';
import { choicesOf, type Choices } from './plan/choices';
import { draftQuery, userQuery } from './queries';
import { leaveRoute } from './search';
import { Wizard } from './wizard';
import './leave.css';

/** Lets somebody go, in three steps. */
export function LeaveScreen() {
  const { userId } = leaveRoute.useParams();
  const user = useQuery(userQuery(userId));
  const draft = useQuery(draftQuery(userId));
  useTitle(user.data ? texts.title(user.data.name) : texts.steps.what);
  const error = user.error ?? draft.error;
  if (error && !user.data) return <ProblemNotice error={error} onRetry={() => void user.refetch()} />;
  if (!user.data || draft.isPending)
    return (
      <p className="sr" role="status">
        {texts.loading}
      </p>
    );
  return <Opened key={userId} user={user.data} kept={choicesOf(draft.data ?? null)} />;
}

interface OpenedProps {
  user: User;
  kept: Choices;
}

/** The person as they were when the page was opened: by the time it is done, a deleted one has no name any more. */
function Opened({ user: current, kept }: OpenedProps) {
  const [user] = useState(current);
  const { name, status } = user;
  return (
    <div className="wizard">
      <nav className="crumbs" aria-label={texts.crumbs.label}>
        <ol>
          <li>
            <Link to="/people">{texts.crumbs.people}</Link>
          </li>
          <li aria-current="page">
            <PersonName>{name}</PersonName>
          </li>
        </ol>
      </nav>
      {status === 'deleted' ? (
        <>
          <h1 className="sr">{name}</h1>
          <Callout kind="info">{texts.gone}</Callout>
        </>
      ) : (
        <Wizard user={user} kept={kept} />
      )}
    </div>
  );
}
