import { useQuery } from '@tanstack/react-query';
import { Avatar, PersonName } from '../../../components/person-name';
import { Icon } from '../../../components/icon';
import { leave as texts } from '../../../texts/leave';
import { teamsQuery } from '../../people/queries';
import { userQuery } from '../queries';
import type { Line } from '../plan/choices';

type Receiver = Pick<Line, 'successorId' | 'successorTeamId'>;

/** The name of who gets rows; undefined until it is known. */
export function useReceiverName({ successorId, successorTeamId }: Receiver): string | undefined {
  const { data: user } = useQuery({ ...userQuery(successorId ?? ''), enabled: successorId !== undefined });
  const { data: teams } = useQuery({ ...teamsQuery, enabled: successorTeamId !== undefined });
  return successorTeamId ? teams?.find(({ id }) => id === successorTeamId)?.name : user?.name;
}

interface WhoButtonProps extends Receiver {
  label: string;
  isDefault: boolean;
  onClick: () => void;
}

/** Who gets the rows; opens the list of those who could. */
export function WhoButton({ label, isDefault, onClick, ...receiver }: WhoButtonProps) {
  const name = useReceiverName(receiver) ?? '…';
  return (
    <button className="who-btn" type="button" onClick={onClick}>
      <span className="sr">{texts.who.of(label)} </span>
      {receiver.successorTeamId ? <Icon name="people" className="sm" /> : <Avatar name={name} size="tiny" />}
      <span className="clip">
        <PersonName>{name}</PersonName>
      </span>
      {isDefault && <span className="muted xs">{texts.choose.default}</span>}
      <Icon name="updown" className="sm" />
      <span className="sr"> {texts.who.change}</span>
    </button>
  );
}
