"""The root of every error whose text already says what is wrong and what to do.

The command line prints such an error as one line and ends with its exit code. An error that is not of this kind is a
fault of ours: it keeps its traceback.

    GreenlaneError
      SettingsError               a setting is missing or wrong (settings)
      WrongUseError               a wrong use of a function that people call
        UnknownError              there is no such thing, or it is somebody else's
        ConflictError             it cannot be done as things are now
        TargetError               a URL that webhooks may not be sent to (webhooks.targets)
        EventsError               a body without an event that can be read (publishing.gateway.forms)
      NoSuchThingError            a name that nothing has (cli.output)
      TableError                  a table of factors, or a badge policy, is not sound (factors.registry)
      CheckpointError             a checkpoint does not fit or is damaged (contracts.checkpoints)
        DifferenceError           the accounts are not those of the log (cli.accounts.checkpoint)
        NotRestatableError        entries have no event that this method can assess (accounts.oracle.restating)
      UnreadableRulesError        the log has rules of a later release (contracts.rules)
      RebuildError                a state cannot be made anew now (cli.accounts.rebuild)
      ReassessError               events cannot be assessed again now (cli.accounts.reassess)
      ClosingError                a day cannot be closed (accounts.clock.day_closer)
      SellerUnknownError          the topics know no such seller (accounts.oracle.seller_events)
      TopicsUnreadableError       the topics do not hold what is asked of them (operations.topics_reader)
      ProvisioningError           a topic cannot be made as declared (operations.topic_provisioning)
      KafkaUnreachableError       no broker answers (operations.kafka_admin)
        ListenerUnreachableError  a broker answers and advertises a wrong address (operations.kafka_admin)
      EmbeddedServerError         an embedded server cannot start (operations.embedded.folder)
      HealthServerError           metrics and health cannot be served (operations.health)
      PublisherError              events cannot be published (publishing.sdk.receipts)
        PublisherUnavailable      there is no broker, or no topic
        PublisherBusy             there is no room for another event
          SpoolFull               the spool or its disk is full (publishing.sdk.spool.faults)
        SpoolError                a spool cannot be used (publishing.sdk.spool.faults)
          SpoolInUse              another publisher has it open
          SpoolDamaged            it is not what was written
        NotDelivered              an event was not delivered
      UnreadableTableError        a file is no table that can be read (publishing.tables.faults)
      MappingError                a mapping is not sound or does not fit its file (publishing.tables.faults)
      WorkspaceError              a comparison has no place on disk (publishing.reconciliation.workspace)
      OlistError                  files of the Olist data set cannot be used (publishing.adapters.olist.files)

In brackets: the module below `greenlane` that has it, where it is not this one. A `Refusal` (contracts.dead_letters) is
none of them: it is the answer to one record, and becomes a dead letter.
"""


class GreenlaneError(Exception):
    """Something is wrong that a user can mend; the text names it and the remedy."""

    exit_code = 2
    """What a command ends with: 1 a check failed, 2 wrong use or settings."""


class WrongUseError(GreenlaneError, ValueError):
    """A wrong use of a function that people call, told as field, problem and remedy."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}; {remedy}")
        self.field = field
        self.problem = problem
        self.remedy = remedy


class UnknownError(WrongUseError):
    """There is no such thing, or it belongs to somebody else: the two are never told apart."""


class ConflictError(WrongUseError):
    """It cannot be done in the state in which things are."""
