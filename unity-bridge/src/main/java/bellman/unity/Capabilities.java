package bellman.unity;

import bellman.unity.proto.UnityRLCapabilitiesProto;

/**
 * What one end of the wire can do. Both ends say it once, at the beginning, and neither then sends
 * what the other cannot read.
 *
 * @param base observations, actions, rewards: API 1.0
 * @param concatenatedPngs several PNGs back to back in one observation: API 1.1
 * @param channelMapping a map from decoded channels to those of the observation: API 1.2
 * @param hybridActions continuous and discrete actions in one behavior: API 1.3; without it the
 *     player also fills the older description of actions
 * @param trainingAnalytics reports about the training; this trainer sends none: API 1.4
 * @param variableLengthObservations lists of entities: API 1.5
 * @param multiAgentGroups groups and their rewards: API 1.5
 */
public record Capabilities(
    boolean base,
    boolean concatenatedPngs,
    boolean channelMapping,
    boolean hybridActions,
    boolean trainingAnalytics,
    boolean variableLengthObservations,
    boolean multiAgentGroups) {
  /** Everything: what this trainer says unless told otherwise. */
  public static final Capabilities ALL = new Capabilities(true, true, true, true, true, true, true);

  static Capabilities of(UnityRLCapabilitiesProto proto) {
    return new Capabilities(
        proto.getBaseRLCapabilities(),
        proto.getConcatenatedPngObservations(),
        proto.getCompressedChannelMapping(),
        proto.getHybridActions(),
        proto.getTrainingAnalytics(),
        proto.getVariableLengthObservation(),
        proto.getMultiAgentGroups());
  }

  UnityRLCapabilitiesProto proto() {
    return UnityRLCapabilitiesProto.newBuilder()
        .setBaseRLCapabilities(base)
        .setConcatenatedPngObservations(concatenatedPngs)
        .setCompressedChannelMapping(channelMapping)
        .setHybridActions(hybridActions)
        .setTrainingAnalytics(trainingAnalytics)
        .setVariableLengthObservation(variableLengthObservations)
        .setMultiAgentGroups(multiAgentGroups)
        .build();
  }
}
